import { rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';

/** A mark may be read by its owner only. */
const MARK_MODE = 0o600;

/** A file that says that a living process uses what is beside it. */
export interface ProcessMark {
	/** Takes the mark away, at once; the second time there is nothing to take, and it may be another's by then. */
	release(): void;
}

/**
 * Marks something as in use by this process. Gives the number of the living process, this one included, that has done so
 * before, in place of a mark; the mark of a process that was killed does not count.
 *
 * It guards against the second process that is started by mistake, not against two that start in the same instant.
 */
export async function markInUse(path: string): Promise<ProcessMark | number> {
	const holder = await readHolder(path);
	if (holder !== null && (await identityOf(holder.pid)) === holder.identity) return holder.pid;
	await rm(path, { force: true });
	const identity = await identityOf(process.pid);
	try {
		await writeFile(path, `${process.pid} ${identity}\n`, { flag: 'wx', mode: MARK_MODE });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		// Another has done so between the two steps.
		return (await readHolder(path))?.pid ?? process.pid;
	}
	let isHeld = true;
	return {
		release() {
			if (isHeld) rmSync(path, { force: true });
			isHeld = false;
		},
	};
}

async function readHolder(path: string): Promise<{ pid: number; identity: string } | null> {
	const text = await readFile(path, 'utf8').catch(() => '');
	const match = /^([1-9][0-9]{0,9}) ([a-z0-9]+)\n$/.exec(text);
	return match === null ? null : { pid: Number(match[1]), identity: match[2] as string };
}

/** Tells a living process from a later one of the same number; null for a dead one. */
async function identityOf(pid: number): Promise<string | null> {
	try {
		process.kill(pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
	}
	// Containers give the same few numbers out again and again. Linux says when a process started (proc(5), field 22).
	const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
	if (status === null) return 'alive';
	const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
	// Dead, and not waited for: where the first process of a container waits for nobody, it stays so for ever.
	if (fields[0] === 'Z') return null;
	return fields[19] ?? 'alive';
}
