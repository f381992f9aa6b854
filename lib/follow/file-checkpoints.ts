import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { ArchiveError } from '../errors.js';
import { makePrivateDirectory, replaceFile, syncDirectory } from '../files/private-directory.js';
import { holdLock, type ProcessLock } from '../files/process-lock.js';
import { createTrouble } from '../wording/system-trouble.js';
import type { Checkpoint, CheckpointStore } from './checkpoint.js';
import { readCheckpoint } from './read-checkpoint.js';

/** A checkpoint of two minutes of fragments has some kilobytes. */
const MAX_CHECKPOINT_BYTES = 4 * 1024 * 1024;

/**
 * Keeps the checkpoint of one consumer in a file, for the owner alone. Each save is durable when it resolves: a kill repeats
 * one fragment at most. A second consumer of the file is refused while the first one lives, on this machine or another.
 *
 * Every trouble is an `ArchiveError`: `KVS_CHECKPOINT_IN_USE`, `KVS_CHECKPOINT_INVALID` (damaged, of another consumer or stream,
 * or of a later version), `KVS_CHECKPOINT_FAILED` (the disk: what was there stays), `KVS_CLOSED`.
 */
export class FileCheckpoints implements CheckpointStore {
	readonly #path: string;
	#lock: ProcessLock | null = null;
	#saves: Promise<void> = Promise.resolve();

	/** @param path - the file; it and its directory are made where they are absent */
	constructor(path: string) {
		this.#path = path;
	}

	/** As {@link CheckpointStore} says. */
	async load(key: string): Promise<Checkpoint | null> {
		const directory = dirname(this.#path);
		await this.#attempt('make', () => makePrivateDirectory(directory), `the directory \`${directory}\` of `);
		const holder = await this.#attempt('lock', () => holdLock(`${this.#path}.in-use-by`));
		if (typeof holder === 'string') {
			throw new ArchiveError(
				'KVS_CHECKPOINT_IN_USE',
				`the checkpoint \`${this.#path}\` is in use by ${holder}: one consumer at a time may follow with it`,
			);
		}
		this.#lock = holder;
		try {
			const found = await this.#attempt('read', () => readText(this.#path));
			return found === null ? null : readCheckpoint(found, key, this.#path);
		} catch (error) {
			await this.close();
			throw error;
		}
	}

	/** As {@link CheckpointStore} says. What is saved at the same time is written in the order of the calls. */
	async save(_key: string, checkpoint: Checkpoint): Promise<void> {
		if (this.#lock === null)
			throw new ArchiveError('KVS_CLOSED', `the checkpoint \`${this.#path}\` was closed before \`save\``);
		const saved = this.#saves.then(() => this.#write(checkpoint));
		// Who called gets the error; the next one tries again.
		this.#saves = saved.catch(() => {});
		await saved;
	}

	/** As {@link CheckpointStore} says. */
	async close(): Promise<void> {
		const lock = this.#lock;
		this.#lock = null;
		await this.#saves;
		await this.#attempt('unlock', async () => lock?.release());
	}

	async #write(checkpoint: Checkpoint): Promise<void> {
		const temporary = `${this.#path}.new`;
		await this.#attempt('write', async () => {
			await rm(temporary, { force: true });
			try {
				await replaceFile(this.#path, temporary, [`${JSON.stringify(checkpoint)}\n`]);
			} catch (error) {
				// Half of it would only use up a disk that is full; what is wrong with the disk is known.
				await rm(temporary, { force: true }).catch(() => {});
				throw error;
			}
			await syncDirectory(dirname(this.#path));
		});
	}

	async #attempt<Result>(what: string, act: () => Promise<Result>, ofWhat = ''): Promise<Result> {
		try {
			return await act();
		} catch (cause) {
			const message = `cannot ${what} ${ofWhat}the checkpoint \`${this.#path}\`: ${createTrouble(cause)}`;
			throw new ArchiveError('KVS_CHECKPOINT_FAILED', message, { cause });
		}
	}
}

async function readText(path: string): Promise<string | null> {
	try {
		return await text(createReadStream(path, { end: MAX_CHECKPOINT_BYTES - 1 }));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
}
