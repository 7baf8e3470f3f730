unit_test(address mail PkgConfig::JANSSON)
target_compile_definitions(test_address PRIVATE SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
unit_test(address_list mail PkgConfig::JANSSON)
target_compile_definitions(test_address_list PRIVATE SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
foreach(name encoding header html_text message part)
  unit_test(${name} mail)
endforeach()
foreach(name address header html_text)
  fuzz_target(${name} mail)
endforeach()
fuzz_target(encoding mail smtp)

# Messages with hostile values, read back by other people's parsers.
add_executable(compose_messages ${CMAKE_SOURCE_DIR}/tests/interop/compose_messages.c)
target_link_libraries(compose_messages PRIVATE mail PkgConfig::JANSSON)
add_executable(html_to_text ${CMAKE_SOURCE_DIR}/tests/interop/html_to_text.c)
target_link_libraries(html_to_text PRIVATE mail)
find_program(PYTEST_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
foreach(name readback readers)
  add_test(NAME interop_message_${name}
           COMMAND ${PYTEST_PYTHON} -m pytest -q -rs -p no:cacheprovider
                   ${CMAKE_SOURCE_DIR}/tests/interop/test_message_${name}.py)
  set_tests_properties(interop_message_${name} PROPERTIES TIMEOUT 120 LABELS interop
    ENVIRONMENT "COMPOSE_MESSAGES=$<TARGET_FILE:compose_messages>;PYTHONDONTWRITEBYTECODE=1")
endforeach()
