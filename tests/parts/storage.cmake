unit_test(importer storage)
