import { closeSync, fstatSync, lstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { isFileThere } from './is-file-there.js';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.js';

/** A lock may be read by its owner only. */
const LOCK_MODE = 0o600;

/** A lock is shorter than this. */
const MAX_LOCK_BYTES = 1024;

/** How often a process writes its lock again, so that other machines see that it lives. */
const BEAT_MS = 5000;

/** The lock of a process that cannot be looked at from here does not count when it was not written for this long. */
const STALE_MS = 30_000;

/** A file that says that a living process uses what is beside it. */
export interface ProcessLock {
	/** Removes the lock, at once, if it is still this one; does nothing the second time. */
	release(): void;
}

/**
 * Locks something for this process, by a file. Returns who has locked it, in words, in place of a lock: a living process,
 * this one included. Fails with the system's error where the lock cannot be written, and where something that is not a file
 * has its name.
 *
 * The lock of a process that has ended does not count. That is known of processes of the same machine and container; of
 * others, and of a lock that cannot be read, it is judged by its age on the clock of its own file system.
 *
 * @param beatMs - how often the lock is written again
 */
export function holdLock(path: string, { beatMs = BEAT_MS } = {}): Promise<ProcessLock | string> {
	return take(path, beatMs);
}

async function take(path: string, beatMs: number): Promise<HeldLock | string> {
	const text = format(await ownIdentity());
	for (;;) {
		const lock = HeldLock.create(path, text, beatMs);
		if (lock !== null) return lock;
		const holder = await holderOf(path);
		if (holder?.isAlive === true) return holder.name;
		// Only one process may remove a lock: the next one has the same name and would be removed with it.
		const takeover = await take(`${path}.takeover`, beatMs);
		if (typeof takeover === 'string') return takeover;
		try {
			const now = await holderOf(path);
			if (now === null) continue;
			const isFresh = Math.abs(takeover.writtenMs - now.writtenMs) < STALE_MS;
			if (now.isAlive ?? isFresh) return now.name;
			await rm(path, { force: true });
		} finally {
			takeover.release();
		}
	}
}

class HeldLock implements ProcessLock {
	/** When it was written first, by the clock of its file system. */
	readonly writtenMs: number;
	readonly #path: string;
	/** Stays open: so no other file gets its number. */
	readonly #fd: number;
	readonly #beat: NodeJS.Timeout;
	#isHeld = true;

	private constructor(path: string, fd: number, text: string, beatMs: number) {
		this.#path = path;
		this.#fd = fd;
		this.writtenMs = fstatSync(fd).mtimeMs;
		this.#beat = setInterval(() => this.#write(text), beatMs).unref();
	}

	/** Null where there is a lock. At once: a lock without its text stays where the process is killed in between. */
	static create(path: string, text: string, beatMs: number): HeldLock | null {
		let fd: number;
		try {
			fd = openSync(path, 'wx', LOCK_MODE);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
			throw error;
		}
		try {
			writeSync(fd, text, 0);
		} catch (error) {
			closeSync(fd);
			rmSync(path, { force: true });
			throw error;
		}
		return new HeldLock(path, fd, text, beatMs);
	}

	release(): void {
		if (!this.#isHeld) return;
		this.#isHeld = false;
		clearInterval(this.#beat);
		const own = fstatSync(this.#fd, { bigint: true });
		const there = lstatSync(this.#path, { bigint: true, throwIfNoEntry: false });
		if (there?.ino === own.ino && there.dev === own.dev) rmSync(this.#path, { force: true });
		closeSync(this.#fd);
	}

	#write(text: string): void {
		try {
			writeSync(this.#fd, text, 0);
		} catch {
			// A disk that is in trouble now is reported where the data go; the next beat tries again.
		}
	}
}

/** Who holds a lock; null where there is none. */
async function holderOf(
	path: string,
): Promise<{ name: string; isAlive: boolean | null; writtenMs: number } | null> {
	let handle: FileHandle;
	try {
		if (!(await isFileThere(path))) return null;
		handle = await open(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') return null;
		if (code !== 'EACCES') throw error;
		return { name: "another user's process", isAlive: null, writtenMs: lstatSync(path).mtimeMs };
	}
	try {
		const { mtimeMs: writtenMs } = await handle.stat();
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_LOCK_BYTES), 0, MAX_LOCK_BYTES, 0);
		const holder = parse(buffer.toString('latin1', 0, bytesRead));
		if (holder === null) return { name: 'another process', isAlive: null, writtenMs };
		const isAlive = await isRunning(holder);
		const name = `process ${holder.pid}${isAlive === null ? ` on ${holder.host}` : ''}`;
		return { name, isAlive, writtenMs };
	} finally {
		await handle.close();
	}
}

function format({ pid, started, place, host }: ProcessIdentity): string {
	return `${pid} ${started} ${place} ${host}\n`;
}

function parse(text: string): ProcessIdentity | null {
	const match = /^([1-9][0-9]{0,9}) ([0-9]+|-) ([\w./-]+) ([\w.-]+)\n$/.exec(text);
	if (match === null) return null;
	const [, pid, started, place, host] = match as unknown as [string, string, string, string, string];
	return { pid: Number(pid), started, place, host };
}
