import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import { makePrivateDirectory, syncDirectory } from '../../files/private-directory.js';
import type { ProcessLock } from '../../files/process-lock.js';
import { systemTrouble } from '../../wording/system-trouble.js';
import { lockDirectory } from './directory-lock.js';
import {
	damaged,
	entriesOf,
	type StoredFile,
	type StreamContents,
	StreamDirectory,
} from './stream-directory.js';
import type { StreamMetadata } from './stream-metadata.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

/** A stream as it is found when the archive is opened. */
export interface FoundStream extends StreamContents {
	readonly metadata: StreamMetadata;
	readonly directory: StreamDirectory;
}

/**
 * Where the local archive keeps its streams:
 *
 *     streams/NAME/stream.json      name, creation time, retention, tags
 *     streams/NAME/NUMBER.mkv       what producers put in: chunks as they are served, each after a record of itself
 *     streams/NAME/NUMBER.jsonl     its index, one line a fragment: number, place, times, checksum
 *     streams/NAME/DIGEST.mkv       one ingested file: its chunks, one after the other
 *     streams/NAME/DIGEST.jsonl     its index
 *     incoming/                     what is being ingested or removed; emptied at the next opening
 *     set-aside/NAME/DIGEST.mkv     a payload of an ingested file that was found without its index
 *     in-use-by                     the process that has it open
 *
 * An ingested file counts once its index stands under its name, and that is the last step of {@link commit}; a produced
 * fragment once its record is whole: a kill at any moment leaves whole files and whole fragments, or nothing of them.
 * A directory of before 0.3 has no `NUMBER` files and a shorter `stream.json`, and opens as it is.
 */
export class DataDirectory {
	readonly #path: string;
	readonly #isTemporary: boolean;
	readonly #lock: ProcessLock;

	private constructor(path: string, isTemporary: boolean, lock: ProcessLock) {
		this.#path = path;
		this.#isTemporary = isTemporary;
		this.#lock = lock;
	}

	/**
	 * Opens a directory, which is made where it is absent; without a path, a temporary one. Clears what a kill left.
	 * Throws `KVS_DATA_IN_USE` where another archive has it open, and the system's error where it cannot be used.
	 */
	static async open(path: string | undefined): Promise<DataDirectory> {
		const root = path ?? (await makeTemporaryDirectory());
		try {
			await makePrivateDirectory(join(root, 'streams'));
			const directory = new DataDirectory(root, path === undefined, await lockDirectory(root));
			await rm(join(root, 'incoming'), { recursive: true, force: true });
			await makePrivateDirectory(join(root, 'incoming'));
			return directory;
		} catch (error) {
			if (path === undefined) removeTemporaryDirectory(root);
			if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
			const message = `cannot use the data directory \`${root}\`: ${systemTrouble(error)}`;
			throw new ArchiveError('KVS_DATA_IN_USE', message, { cause: error });
		}
	}

	/** The streams, in no order, as {@link StreamDirectory.read} reads them. */
	async *streams(warn: (message: string) => void): AsyncGenerator<FoundStream> {
		const root = join(this.#path, 'streams');
		for (const { name, isDirectory } of await entriesOf(root)) {
			if (!isDirectory) {
				warn(`the archive ignores \`${join(root, name)}\`, which is not one of its own`);
				continue;
			}
			const directory = this.stream(name);
			const contents = await directory.read(warn);
			const metadata = await directory.readMetadata();
			const metadataPath = join(directory.path, 'stream.json');
			if (metadata === null) {
				if (contents.files.length + contents.produced.length === 0) continue;
				throw damaged(metadataPath, 'it is missing');
			}
			if (metadata.name !== name) throw damaged(metadataPath, `it describes the stream \`${metadata.name}\``);
			yield { ...contents, metadata, directory };
		}
	}

	/** The directory of a stream, there or not. */
	stream(name: string): StreamDirectory {
		return new StreamDirectory(join(this.#path, 'streams', name), join(this.#path, 'set-aside', name));
	}

	/** Adds a stream, empty, or changes what is known of it; durable when it returns. */
	async writeMetadata(metadata: StreamMetadata): Promise<void> {
		const workDirectory = await this.makeWorkDirectory();
		try {
			await this.#checkCase(metadata.name);
			await this.stream(metadata.name).writeMetadata(metadata, workDirectory);
		} finally {
			await rm(workDirectory, { recursive: true, force: true });
		}
	}

	/** A new empty directory for the temporary files of one ingest, on the disk where they will stay. */
	async makeWorkDirectory(): Promise<string> {
		return mkdtemp(join(this.#path, 'incoming', 'ingest-'));
	}

	/** Makes a written payload, a finished file in `workDirectory`, part of its stream: durable and all at once. */
	async commit(
		metadata: StreamMetadata,
		file: StoredFile,
		workDirectory: string,
		payload: string,
	): Promise<void> {
		await this.#checkCase(metadata.name);
		const stream = this.stream(metadata.name);
		if ((await stream.readMetadata()) === null) await stream.writeMetadata(metadata, workDirectory);
		await stream.commit(file, workDirectory, payload);
	}

	/** Removes a stream with all that is in it. A kill leaves it, or what is removed at the next opening. */
	async removeStream(name: string): Promise<void> {
		const { path } = this.stream(name);
		const removed = await this.makeWorkDirectory();
		await rename(path, join(removed, 'stream'));
		await syncDirectory(join(this.#path, 'streams'));
		await rm(removed, { recursive: true, force: true });
	}

	/** Releases the directory for other processes; a temporary one is removed, with all that is in it. Done when it returns. */
	dispose(): void {
		this.#lock.release();
		if (this.#isTemporary) removeTemporaryDirectory(this.#path);
	}

	async #checkCase(name: string): Promise<void> {
		const existing = await this.stream(name).readMetadata();
		if (existing === null || existing.name === name) return;
		throw new ArchiveError(
			'KVS_INGEST_FAILED',
			`the file system does not distinguish upper and lower case, and the stream \`${existing.name}\` exists already`,
		);
	}
}
