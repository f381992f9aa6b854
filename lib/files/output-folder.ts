import { SinkError } from '../errors.js';

/** A file that is being written. Failures are `SinkError` (`KVS_SINK_FAILED`). One of `commit` and `discard` ends it. */
export interface UnfinishedFile {
	/** Writes slices after everything written so far. They are the caller's again when it resolves. */
	append(slices: readonly Uint8Array[]): Promise<void>;
	/** The file is whole: it has its name, in place of one that had it, and lasts. */
	commit(): Promise<void>;
	/** The file will not be: nothing is left of it. Does nothing after `commit`. */
	discard(): Promise<void>;
}

/** What is held while a folder is written to. */
export interface FolderLock {
	/** Gives the folder back. Does nothing the second time. */
	release(): Promise<void>;
}

/**
 * A place that finished files are put into: a directory, or whatever else keeps files by name. Names are flat, without a
 * `/`. A file is there whole or not at all. Every failure is a `SinkError` (`KVS_SINK_FAILED`; of S3 `KVS_STORAGE_FAILED`) that names the folder or the file.
 */
export interface OutputFolder {
	/** Its path or URL, for messages. */
	readonly name: string;
	/**
	 * Takes the folder for this process, and makes it where it is absent; before the first `create`. Fails where another
	 * process is known to hold it.
	 */
	lock(): Promise<FolderLock>;
	/** Begins a file. What an earlier process left of one with this name without finishing it is gone. */
	create(name: string): Promise<UnfinishedFile>;
	/** The bytes of a file, front to back; null where there is none. */
	read(name: string): Promise<AsyncIterable<Uint8Array> | null>;
	/** The size of a file in bytes; null where there is none. */
	sizeOf(name: string): Promise<number | null>;
	/** The names of all files, finished ones only, in any order. */
	list(): AsyncIterable<string>;
	/** Removes a file. Does nothing where there is none. */
	remove(name: string): Promise<void>;
	/** Removes what earlier processes left of files that they did not finish, of those with names that are meant. */
	removeUnfinished(isMeant: (name: string) => boolean): Promise<void>;
}

/** Puts bytes into a folder as one file. */
export async function putFile(
	folder: OutputFolder,
	name: string,
	slices: readonly Uint8Array[],
): Promise<void> {
	const file = await folder.create(name);
	try {
		await file.append(slices);
		await file.commit();
	} catch (error) {
		await file.discard();
		throw error;
	}
}

/**
 * All bytes of a file; null where there is none. Fails with `SinkError` (`KVS_SINK_FAILED`) where it has more than `maxBytes`.
 */
export async function readWhole(
	folder: OutputFolder,
	name: string,
	maxBytes: number,
): Promise<Buffer | null> {
	const bytes = await folder.read(name);
	if (bytes === null) return null;
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const chunk of bytes) {
		sizeBytes += chunk.byteLength;
		if (sizeBytes > maxBytes) {
			const message = `cannot read \`${name}\` of \`${folder.name}\`: it has more than ${maxBytes} bytes`;
			throw new SinkError('KVS_SINK_FAILED', folder.name, message);
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}
