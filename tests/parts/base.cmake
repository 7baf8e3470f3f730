foreach(name str buf arena heap list clock log mailbox err piece)
  unit_test(${name} base)
endforeach()

# These fail each allocation in turn: see tests/unit/alloc_fault.h.
foreach(name buf arena heap piece)
  target_link_options(test_${name} PRIVATE
    -Wl,--wrap=malloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray)
endforeach()
set_tests_properties(unit_mailbox unit_log PROPERTIES LABELS "unit;threads")
