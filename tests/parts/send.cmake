foreach(name limit retry schedule desk)
  unit_test(${name} send)
endforeach()

unit_test(run send)
target_sources(test_run PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sink.c)
