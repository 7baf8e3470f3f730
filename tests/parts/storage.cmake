unit_test(importer storage)
unit_test(ledger_store storage)
