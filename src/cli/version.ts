/** Of the command line; the same as the package's. */
export const CLI_VERSION = '0.1.0';
