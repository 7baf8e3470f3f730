# Templates.
unit_test(template templates)
target_link_options(test_template PRIVATE -Wl,--wrap=malloc)
unit_test(template_strict templates)
unit_test(template_escape templates)
unit_test(template_json templates)
unit_test(template_settle templates)
unit_test(template_number templates)
unit_test(template_date templates)
unit_test(template_convert templates)
fuzz_target(template templates)
fuzz_target(template_json templates)
fuzz_target(template_convert templates)

find_package(Python3 COMPONENTS Interpreter)
if(TARGET broadside AND Python3_FOUND)
  add_test(NAME conformance_liquid
           COMMAND ${Python3_EXECUTABLE}
                   ${CMAKE_SOURCE_DIR}/tests/conformance/liquid.py
                   $<TARGET_FILE:broadside>)
  set_tests_properties(conformance_liquid PROPERTIES
                       TIMEOUT 120 SKIP_RETURN_CODE 77 LABELS conformance)
endif()
