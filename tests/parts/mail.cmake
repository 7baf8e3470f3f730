unit_test(address mail PkgConfig::JANSSON)
target_compile_definitions(test_address PRIVATE SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
fuzz_target(address mail)

# Messages with hostile values, read back by other people's parsers.
add_executable(compose_messages ${CMAKE_SOURCE_DIR}/tests/interop/compose_messages.c)
target_link_libraries(compose_messages PRIVATE mail PkgConfig::JANSSON)
