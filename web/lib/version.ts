/** This package's version, which it tells the daemon. `tests/packaging/test_npm_package.py` holds it to the others. */
export const VERSION = "0.1.0";
