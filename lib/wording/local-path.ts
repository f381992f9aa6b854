import { InvalidOptionError } from '../errors.js';

/** Checks that a path is not empty, and not a URL, whose scheme would become the name of a directory. Throws `InvalidOptionError`. */
export function checkLocalPath(option: string, path: string, expected: string): void {
	if (path === '' || /^[a-z][a-z\d+.-]*:\/\//i.test(path))
		throw new InvalidOptionError(option, expected, path);
}
