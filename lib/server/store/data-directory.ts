import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import { FileWriter } from '../../files/file-writer.js';
import type { ProcessMark } from '../../files/process-mark.js';
import { lockDirectory } from './directory-lock.js';
import { formatIndexLine, parseIndexLine, type StoredFragment } from './stored-fragment.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

/** For the owner alone: the archive holds recordings of cameras. */
const PRIVATE_DIRECTORY_MODE = 0o700;

const STREAM_FILE = 'stream.json';
const SET_ASIDE = 'set-aside';
const INDEX_PATTERN = /^([0-9a-f]{64})\.jsonl$/;
const PAYLOAD_PATTERN = /^([0-9a-f]{64})\.mkv$/;

/** The metadata in a stream's directory. */
export interface StreamMetadata {
	readonly name: string;
	/** Epoch milliseconds; part of the stream's ARN. */
	readonly creationMs: number;
	readonly mediaType: string;
}

/** One ingested file of a stream, by the digest of the file it came from. */
export interface StoredFile {
	readonly digest: string;
	readonly fragments: readonly StoredFragment[];
}

/**
 * Where the local archive keeps its streams:
 *
 *     streams/NAME/stream.json      name, creation time, media type
 *     streams/NAME/DIGEST.mkv       one ingested file: its chunks as they are served, one after the other
 *     streams/NAME/DIGEST.jsonl     one line a fragment: number, place, times, checksum
 *     incoming/                     what is being ingested; emptied at the next opening
 *     set-aside/NAME/DIGEST.mkv     a payload that was found without its index
 *     in-use-by                     the process that has it open
 *
 * A file counts once its index stands under its name, and that is the last step of {@link commit}: a kill at any moment
 * leaves the whole file or nothing.
 */
export class DataDirectory {
	readonly #path: string;
	readonly #isTemporary: boolean;
	readonly #lock: ProcessMark;

	private constructor(path: string, isTemporary: boolean, lock: ProcessMark) {
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
			await makeDirectory(join(root, 'streams'));
			const directory = new DataDirectory(root, path === undefined, await lockDirectory(root));
			await rm(join(root, 'incoming'), { recursive: true, force: true });
			await makeDirectory(join(root, 'incoming'));
			return directory;
		} catch (error) {
			if (path === undefined) removeTemporaryDirectory(root);
			throw error;
		}
	}

	/**
	 * The streams, in no order, each with its files. Throws `KVS_DATA_DAMAGED`, naming the file, where one is broken. `warn`
	 * receives what does not belong here, and is left alone, and payloads without an index, which are set aside.
	 */
	async *streams(
		warn: (message: string) => void,
	): AsyncGenerator<{ metadata: StreamMetadata; files: StoredFile[] }> {
		const root = join(this.#path, 'streams');
		for (const { name, isDirectory } of await entriesOf(root)) {
			if (!isDirectory) {
				warn(`the archive ignores \`${join(root, name)}\`, which is not one of its own`);
				continue;
			}
			const digests = await this.#digestsOf(name, warn);
			if (digests.length === 0) continue;
			const metadata = await this.#readMetadata(name);
			const metadataPath = join(this.#streamPath(name), STREAM_FILE);
			if (metadata === null) throw damaged(metadataPath, 'it is missing');
			if (metadata.name !== name) throw damaged(metadataPath, `it describes the stream \`${metadata.name}\``);
			const files: StoredFile[] = [];
			for (const digest of digests) files.push(await this.#readFile(name, digest));
			yield { metadata, files };
		}
	}

	/** The digests of a stream's files, by their indexes. */
	async #digestsOf(name: string, warn: (message: string) => void): Promise<string[]> {
		const directory = this.#streamPath(name);
		const entries = await entriesOf(directory);
		const digestsIn = (pattern: RegExp) =>
			entries.flatMap((entry) => (entry.isFile && pattern.exec(entry.name)?.[1]) || []);
		const digests = digestsIn(INDEX_PATTERN);
		for (const digest of digestsIn(PAYLOAD_PATTERN)) {
			if (digests.includes(digest)) continue;
			// The process was killed between the two, or the index was lost.
			const target = join(this.#path, SET_ASIDE, name, `${digest}.mkv`);
			await makeDirectory(dirname(target));
			await rename(this.payloadPath(name, digest), target);
			warn(`the archive has no index of \`${target}\`, which was set aside: ingest it again, or remove it`);
		}
		for (const entry of entries) {
			const isOwn =
				entry.name === STREAM_FILE || INDEX_PATTERN.test(entry.name) || PAYLOAD_PATTERN.test(entry.name);
			if (isOwn && entry.isFile) continue;
			if (isOwn) throw damaged(join(directory, entry.name), 'it is not a file');
			warn(`the archive ignores \`${join(directory, entry.name)}\`, which is not one of its own`);
		}
		return digests;
	}

	/** A new empty directory for the temporary files of one ingest, on the disk where they will stay. */
	async makeWorkDirectory(): Promise<string> {
		return mkdtemp(join(this.#path, 'incoming', 'ingest-'));
	}

	/** Where the payload of an ingested file stands. */
	payloadPath(streamName: string, digest: string): string {
		return join(this.#streamPath(streamName), `${digest}.mkv`);
	}

	/** Makes a written payload, a finished file in `workDirectory`, part of its stream: durable and all at once. */
	async commit(
		metadata: StreamMetadata,
		file: StoredFile,
		workDirectory: string,
		payload: string,
	): Promise<void> {
		const indexPath = join(workDirectory, 'index.jsonl');
		await writeLines(indexPath, file.fragments.map(formatIndexLine));
		const streamPath = this.#streamPath(metadata.name);
		await makeDirectory(streamPath);
		await this.#writeMetadata(metadata, workDirectory);
		await rename(payload, this.payloadPath(metadata.name, file.digest));
		await syncDirectory(streamPath);
		await rename(indexPath, join(streamPath, `${file.digest}.jsonl`));
		await syncDirectory(streamPath);
		await syncDirectory(join(this.#path, 'streams'));
	}

	/** Releases the directory for other processes; a temporary one is removed, with all that is in it. Done when it returns. */
	dispose(): void {
		this.#lock.release();
		if (this.#isTemporary) removeTemporaryDirectory(this.#path);
	}

	#streamPath(name: string): string {
		return join(this.#path, 'streams', name);
	}

	async #writeMetadata(metadata: StreamMetadata, workDirectory: string): Promise<void> {
		const existing = await this.#readMetadata(metadata.name);
		if (existing !== null) {
			if (existing.name === metadata.name) return;
			throw new ArchiveError(
				'KVS_INGEST_FAILED',
				`the disk tells no upper from lower case, and there is a stream \`${existing.name}\` already`,
			);
		}
		const temporary = join(workDirectory, STREAM_FILE);
		await writeLines(temporary, [`${JSON.stringify(metadata)}\n`]);
		await rename(temporary, join(this.#streamPath(metadata.name), STREAM_FILE));
	}

	/** Null where there is none: a kill between making the directory and writing it. */
	async #readMetadata(name: string): Promise<StreamMetadata | null> {
		const path = join(this.#streamPath(name), STREAM_FILE);
		let text: string;
		try {
			text = await readFile(path, 'utf8');
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
			throw error;
		}
		try {
			const { name: written, creationMs, mediaType } = JSON.parse(text);
			if (typeof written === 'string' && Number.isSafeInteger(creationMs) && typeof mediaType === 'string') {
				return { name: written, creationMs, mediaType };
			}
		} catch {}
		throw damaged(path, 'it does not describe a stream');
	}

	async #readFile(name: string, digest: string): Promise<StoredFile> {
		const indexPath = join(this.#streamPath(name), `${digest}.jsonl`);
		const payload = this.payloadPath(name, digest);
		const fragments: StoredFragment[] = [];
		let endOffset = 0;
		const handle = await open(indexPath, 'r');
		try {
			for await (const line of handle.readLines({ autoClose: false })) {
				const fragment = parseIndexLine(line, payload);
				if (fragment === null || fragment.offset !== endOffset) {
					throw damaged(indexPath, `line ${fragments.length + 1} is not a fragment`);
				}
				fragments.push(fragment);
				endOffset += fragment.sizeBytes;
			}
		} finally {
			await handle.close();
		}
		const sizeBytes = await stat(payload).then(
			({ size }) => size,
			() => null,
		);
		if (sizeBytes === null) throw damaged(payload, 'it is missing');
		if (sizeBytes !== endOffset) {
			throw damaged(payload, `it has ${sizeBytes} bytes, its index says ${endOffset}`);
		}
		return { digest, fragments };
	}
}

/** What is in a directory, in order. A symbolic link counts as what it leads to. */
async function entriesOf(
	directory: string,
): Promise<{ name: string; isFile: boolean; isDirectory: boolean }[]> {
	const names = (await readdir(directory)).toSorted();
	return Promise.all(
		names.map(async (name) => {
			const found = await stat(join(directory, name)).catch(() => null);
			return { name, isFile: found?.isFile() === true, isDirectory: found?.isDirectory() === true };
		}),
	);
}

async function makeDirectory(path: string): Promise<void> {
	await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
}

async function writeLines(path: string, lines: readonly string[]): Promise<void> {
	const writer = await FileWriter.create(path);
	try {
		for (const line of lines) await writer.write(Buffer.from(line));
		await writer.finish();
	} finally {
		await writer.close();
	}
}

/** Makes the names in a directory durable, as `fsync` of a file does not. */
async function syncDirectory(path: string): Promise<void> {
	// Windows has no handles of directories.
	if (process.platform === 'win32') return;
	const handle = await open(path, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

function damaged(path: string, what: string): ArchiveError {
	return new ArchiveError('KVS_DATA_DAMAGED', `the archive's file \`${path}\` is damaged: ${what}`);
}
