# Campaigns into real servers, which the tests start and stop. They say why they skip.
find_program(PYTEST_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
foreach(server postfix exim opensmtpd aiosmtpd)
  add_test(NAME interop_${server}
    COMMAND ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider
            ${CMAKE_SOURCE_DIR}/tests/interop/test_${server}.py)
  set_tests_properties(interop_${server} PROPERTIES TIMEOUT 600 LABELS interop
    ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;BROADSIDE_PATIENCE=${cli_patience};PYTHONDONTWRITEBYTECODE=1")
endforeach()

# The report's page in a real browser.
add_test(NAME interop_report_page
  COMMAND ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider
          ${CMAKE_SOURCE_DIR}/tests/interop/test_report_page.py)
set_tests_properties(interop_report_page PROPERTIES TIMEOUT 300 LABELS interop
  ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;BROADSIDE_PATIENCE=${cli_patience};PYTHONDONTWRITEBYTECODE=1")

# Real designs with hostile values, through the program and read by other programs.
add_test(NAME interop_message_campaign
  COMMAND ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider
          ${CMAKE_SOURCE_DIR}/tests/interop/test_message_campaign.py)
set_tests_properties(interop_message_campaign PROPERTIES TIMEOUT 600 LABELS interop
  ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;COMPOSE_MESSAGES=$<TARGET_FILE:compose_messages>;BROADSIDE_PATIENCE=${cli_patience};PYTHONDONTWRITEBYTECODE=1")

# Random templates, rendered by the reference of the language too.
add_test(NAME interop_liquid_reference
  COMMAND ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider
          ${CMAKE_SOURCE_DIR}/tests/interop/test_liquid_reference.py)
set_tests_properties(interop_liquid_reference PROPERTIES TIMEOUT 120 LABELS interop
  ENVIRONMENT "BROADSIDE=$<TARGET_FILE:broadside>;BROADSIDE_PATIENCE=${cli_patience};PYTHONDONTWRITEBYTECODE=1")
