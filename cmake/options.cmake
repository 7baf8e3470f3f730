# The options every target of the project is built with.
add_library(broadside_options INTERFACE)
target_include_directories(broadside_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(broadside_options INTERFACE
  _GNU_SOURCE BROADSIDE_VERSION="${PROJECT_VERSION}")
# A sanitizer checks the same, better, and the two do not go together.
if(NOT BROADSIDE_SANITIZE)
  target_compile_definitions(broadside_options INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
target_compile_options(broadside_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum -Wmissing-prototypes
  -Wvla -Wformat=2 -Wstrict-prototypes -Wundef
  -fno-strict-aliasing -fstack-protector-strong -fstack-clash-protection
  $<$<BOOL:${BROADSIDE_WERROR}>:-Werror>)
target_link_options(broadside_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

# The programs are optimized as a whole; tests link each object as it is, which is faster.
if(BROADSIDE_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(broadside_options INTERFACE -flto=auto -ffat-lto-objects)
  target_link_options(broadside_options INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:IS_PROGRAM>>,-flto=auto,-fno-lto>)
endif()

if(BROADSIDE_SANITIZE)
  target_compile_options(broadside_options INTERFACE
    -fsanitize=${BROADSIDE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(broadside_options INTERFACE -fsanitize=${BROADSIDE_SANITIZE})
endif()
if(BROADSIDE_FUZZ)
  target_compile_options(broadside_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BROADSIDE_COVERAGE)
  target_compile_options(broadside_options INTERFACE --coverage)
  target_link_options(broadside_options INTERFACE --coverage)
endif()

# broadside_library(NAME SOURCES... ) : a folder's static library.
function(broadside_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC broadside_options)
endfunction()
