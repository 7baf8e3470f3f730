unit_test(loop net)
unit_test(connection net)
