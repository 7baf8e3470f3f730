unit_test(run send)
target_sources(test_run PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sink.c)
