unit_test(importer storage)
unit_test(ledger_store storage)
unit_test(reports storage)
unit_test(store storage)
