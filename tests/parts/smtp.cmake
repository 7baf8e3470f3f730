unit_test(reply smtp)
unit_test(smtp_command smtp)
unit_test(policy smtp)
unit_test(both_ends smtp)
unit_test(session smtp)
target_link_options(test_session PRIVATE
  -Wl,--wrap=malloc,--wrap=realloc,--wrap=reallocarray)
unit_test(data_scan smtp)
unit_test(server smtp)
fuzz_target(server smtp)

# Every scenario runs against the pure session; and, unless it says "only session", again
# through a channel and a socket on loopback (parts/send.cmake).
set(dialog_folder ${CMAKE_SOURCE_DIR}/tests/dialog)
set(dialog_sources ${dialog_folder}/dialog.c ${dialog_folder}/dialog_event.c
    ${dialog_folder}/dialog_line.c)
file(GLOB dialogs CONFIGURE_DEPENDS ${dialog_folder}/*.smtp)

# dialog_tests(RUNNER PREFIX CARRIER) : a ctest PREFIX_NAME for every script RUNNER can play.
function(dialog_tests runner prefix carrier)
  foreach(dialog ${dialogs})
    file(STRINGS ${dialog} only REGEX "^only ")
    if(NOT only OR only MATCHES "^only ${carrier}")
      cmake_path(GET dialog STEM name)
      add_test(NAME ${prefix}_${name} COMMAND ${runner} ${dialog})
      set_tests_properties(${prefix}_${name} PROPERTIES TIMEOUT 60 LABELS dialog)
    endif()
  endforeach()
endfunction()

add_executable(run_dialog ${dialog_folder}/run_dialog.c ${dialog_sources})
target_link_libraries(run_dialog PRIVATE smtp)
dialog_tests(run_dialog dialog session)

fuzz_target(reply smtp)
fuzz_target(session smtp)
