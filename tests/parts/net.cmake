unit_test(loop net)
unit_test(connection net)
unit_test(listener net)
