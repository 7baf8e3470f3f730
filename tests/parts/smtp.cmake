unit_test(data_scan smtp)
unit_test(server smtp)
fuzz_target(server smtp)
