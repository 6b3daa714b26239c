// Processes that tests start must end with a status of their own, which the leak checker replaces.
import process from 'node:process';

const options = process.env.ASAN_OPTIONS;
if (options !== undefined) process.env.ASAN_OPTIONS = options.replace('detect_leaks=1', 'detect_leaks=0');
