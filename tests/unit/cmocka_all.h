/* cmocka.h with the headers it wants before it. */
#ifndef BROADSIDE_TESTS_CMOCKA_ALL_H
#define BROADSIDE_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
