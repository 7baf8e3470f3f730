unit_test(sandbox sandbox)
set_tests_properties(unit_sandbox PROPERTIES LABELS "unit;threads")
