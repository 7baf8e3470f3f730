# A few points of each kind; scripts/fault-loop tries all of them. A sanitizer brings an
# allocator of its own, which the shim would take the place of.
add_library(fault_shim MODULE ${CMAKE_SOURCE_DIR}/tests/fault/fault_shim.c)
set_target_properties(fault_shim PROPERTIES PREFIX "")
target_compile_definitions(fault_shim PRIVATE _GNU_SOURCE)
target_link_libraries(fault_shim PRIVATE ${CMAKE_DL_LIBS})
if(NOT BROADSIDE_SANITIZE)
  foreach(command import launch)
    add_test(NAME fault_${command}
      COMMAND ${PYTEST_PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/fault/fault_loop.py
              --shim $<TARGET_FILE:fault_shim> --points 2 --only ${command})
    set_tests_properties(fault_${command} PROPERTIES TIMEOUT 300 LABELS fault
      ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>")
  endforeach()
endif()
