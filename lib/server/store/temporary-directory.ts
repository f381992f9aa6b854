import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The temporary directories of this process that exist. */
const present = new Set<string>();

/**
 * Makes a directory for the owner alone, which {@link removeTemporaryDirectory} removes with all that is in it. Where the
 * process ends before, by `process.exit` or an error that was not caught, it is removed then; a signal that kills the process
 * at once leaves it.
 */
export async function makeTemporaryDirectory(): Promise<string> {
	const path = await mkdtemp(join(tmpdir(), 'kvs-archive-'));
	if (present.size === 0) process.on('exit', removeAll);
	present.add(path);
	return path;
}

/** Removes a directory that {@link makeTemporaryDirectory} made. Done when it returns. */
export function removeTemporaryDirectory(path: string): void {
	rmSync(path, { recursive: true, force: true });
	present.delete(path);
	if (present.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
	for (const path of present) removeTemporaryDirectory(path);
}
