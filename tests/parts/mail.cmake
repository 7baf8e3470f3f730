unit_test(address mail PkgConfig::JANSSON)
target_compile_definitions(test_address PRIVATE SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
fuzz_target(address mail)
