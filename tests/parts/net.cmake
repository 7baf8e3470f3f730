unit_test(loop net)
unit_test(connection net)
unit_test(listener net)
# It has a malloc of its own, as a sanitizer does.
if(NOT BROADSIDE_SANITIZE)
  unit_test(uv_reserve net)
endif()
