# What the report commands print with, tested by itself.
unit_test(format cmd)
unit_test(csv_in cmd)
unit_test(report_pages report)

# The end-to-end suite, a ctest of its own per file, on this build's binary.
find_program(PYTEST_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
file(GLOB cli_tests RELATIVE ${CMAKE_SOURCE_DIR}/tests/cli CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/tests/cli/test_*.py)
set(cli_patience 1)
if(BROADSIDE_SANITIZE)
  set(cli_patience 5)
endif()
foreach(file ${cli_tests})
  string(REGEX REPLACE "^test_(.*)\\.py$" "\\1" name ${file})
  add_test(NAME cli_${name}
    COMMAND ${PYTEST_PYTHON} -m pytest -q -p no:cacheprovider
            ${CMAKE_SOURCE_DIR}/tests/cli/${file})
  set_tests_properties(cli_${name} PROPERTIES TIMEOUT 900 LABELS cli
    ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;BROADSIDE_PATIENCE=${cli_patience};PYTHONDONTWRITEBYTECODE=1")
endforeach()
# It measures a pace: nothing else runs beside it.
set_tests_properties(cli_rate PROPERTIES RUN_SERIAL ON)
# What the ThreadSanitizer build runs of them.
set_tests_properties(cli_campaign cli_control cli_import PROPERTIES LABELS "cli;threads")

# The promise of docs/delivery-guarantee.md; scripts/kill-loop runs it for longer.
add_test(NAME cli_kill_loop
  COMMAND ${PYTEST_PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/cli/kill_loop.py 16 --seed 1
          --receiver)
set_tests_properties(cli_kill_loop PROPERTIES TIMEOUT 600 LABELS cli
  ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;BROADSIDE_PATIENCE=${cli_patience}")
