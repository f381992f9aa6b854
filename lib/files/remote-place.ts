import type { ReadableFile } from './readable-file.js';

/** A file or a folder that is not on the local disk. `s3(url)` of `kvs-archive/s3` gives one. */
export interface RemotePlace {
	/** `s3://bucket/folder/file.mp4`. */
	readonly url: string;
	/** What stands after the last slash: `file.mp4`. */
	readonly fileName: string;
	/** Opens the folder that the file is in, or with `folder` the place itself as one. Rejects with `ArchiveError` (`KVS_PEER_MISSING`). The caller closes it. */
	open(as: 'file' | 'folder'): Promise<RemoteFolder>;
}

/** A folder that is not on the local disk, and into which finished files are put. Failures are `SinkError`s, aborts reject with the signal's reason. */
export interface RemoteFolder {
	/** Ends with a slash. */
	readonly url: string;
	/** Directory of the local disk in which files are made before they are put here; every process of this user has the same for the same place. */
	readonly stagingDirectory: string;
	/** Removes what earlier writers of the same place, which have ended, left unfinished. */
	removeUnfinished(signal: AbortSignal | undefined): Promise<void>;
	/** Puts a file of the local disk here, in place of one of that name. It is there when it is whole; a failure or an abort leaves nothing of it. */
	put(name: string, path: string, signal: AbortSignal | undefined): Promise<void>;
	/** The same of a file that has only grown at its end since it was put here, of which little is sent then. */
	putGrown(name: string, path: string, signal: AbortSignal | undefined): Promise<void>;
	/** Opens a file; null where there is none. */
	get(name: string, signal: AbortSignal | undefined): Promise<ReadableFile | null>;
	/** Removes a file, if it is there. */
	remove(name: string, signal: AbortSignal | undefined): Promise<void>;
	/** Frees its connections. */
	close(): Promise<void>;
}
