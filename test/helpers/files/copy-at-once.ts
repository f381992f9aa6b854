import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What is in the files of a directory, as one hash. */
export function fingerprint(directory: string): string {
	for (;;) {
		try {
			const hash = createHash('md5');
			for (const name of readdirSync(directory).sort())
				hash.update(`${name}\0`).update(readFileSync(join(directory, name)));
			return hash.digest('hex');
		} catch (error) {
			// Another thread renamed a file meanwhile.
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		}
	}
}

/**
 * Copies a directory as it is at one moment, as a kill leaves it, though other threads write to it. Returns the fingerprint of the
 * copy.
 */
export function copyAtOnce(directory: string, copy: string): string {
	for (;;) {
		const before = fingerprint(directory);
		try {
			cpSync(directory, copy, { recursive: true });
			if (fingerprint(copy) === before && fingerprint(directory) === before) return before;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		}
		rmSync(copy, { recursive: true, force: true });
	}
}
