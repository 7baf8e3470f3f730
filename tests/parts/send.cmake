foreach(name limit retry schedule desk)
  unit_test(${name} send)
endforeach()

unit_test(run send)
unit_test(run_relay send)
target_sources(test_run PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sink.c)
target_sources(test_run_relay PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/sink.c)

add_executable(run_dialog_net ${dialog_folder}/run_dialog_net.c ${dialog_sources})
target_link_libraries(run_dialog_net PRIVATE send net)
target_link_options(run_dialog_net PRIVATE
  -Wl,--wrap=clock_mono_ns,--wrap=smtp_session_new
  -Wl,--wrap=smtp_session_feed,--wrap=smtp_session_wrote)
dialog_tests(run_dialog_net dialog_net net)
