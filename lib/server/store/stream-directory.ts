import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import {
	makePrivateDirectory,
	replaceFile,
	syncDirectory,
	writeNewFile,
} from '../../files/private-directory.js';
import { counted } from '../../wording/counted.js';
import type { PayloadFile } from './payload-writer.js';
import { recoverPayload } from './recover-payload.js';
import { formatIndexLine, parseIndexLine, type StoredFragment } from './stored-fragment.js';
import { parseMetadata, type StreamMetadata } from './stream-metadata.js';

const STREAM_FILE = 'stream.json';
const INGESTED_INDEX = /^([0-9a-f]{64})\.jsonl$/;
const INGESTED_PAYLOAD = /^([0-9a-f]{64})\.mkv$/;
const PRODUCED_PAYLOAD = /^([0-9]{8})\.mkv$/;
const PRODUCED_INDEX = /^([0-9]{8})\.jsonl$/;

/** One ingested file of a stream, by the digest of the file it came from. */
export interface StoredFile {
	readonly digest: string;
	readonly fragments: readonly StoredFragment[];
}

/** A payload that producers wrote, and its fragments. */
export interface ProducedPayload {
	readonly file: PayloadFile;
	readonly fragments: readonly StoredFragment[];
}

/** What a stream's directory holds. */
export interface StreamContents {
	readonly files: readonly StoredFile[];
	readonly produced: readonly ProducedPayload[];
	/** A number that no payload of producers has, nor any after it. */
	readonly nextPayload: number;
}

/** The files of one stream; {@link DataDirectory} says which they are. */
export class StreamDirectory {
	readonly path: string;
	readonly #setAside: string;

	/** @param setAside - where payloads are put that were found without their index */
	constructor(path: string, setAside: string) {
		this.path = path;
		this.#setAside = setAside;
	}

	/** Where the payload of an ingested file stands. */
	payloadPath(digest: string): string {
		return join(this.path, `${digest}.mkv`);
	}

	/** The files of a payload that producers write, by its number. */
	producedFile(number: number): PayloadFile {
		const name = join(this.path, String(number).padStart(8, '0'));
		return { payload: `${name}.mkv`, index: `${name}.jsonl`, sizeBytes: 0 };
	}

	/** Null where there is none: a kill between making the directory and writing it. Throws `KVS_DATA_DAMAGED`. */
	async readMetadata(): Promise<StreamMetadata | null> {
		const path = join(this.path, STREAM_FILE);
		let text: string;
		try {
			text = await readFile(path, 'utf8');
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
			throw error;
		}
		const metadata = parseMetadata(text);
		if (metadata === null) throw damaged(path, 'it does not describe a stream');
		return metadata;
	}

	/** Writes what is known of the stream, durable when it returns; the directory is made where it is absent. */
	async writeMetadata(metadata: StreamMetadata, workDirectory: string): Promise<void> {
		await makePrivateDirectory(this.path);
		await replaceFile(join(this.path, STREAM_FILE), join(workDirectory, STREAM_FILE), [
			`${JSON.stringify(metadata)}\n`,
		]);
		await syncDirectory(this.path);
		await syncDirectory(dirname(this.path));
	}

	/** Makes a written payload, a finished file in `workDirectory`, part of the stream: durable and all at once. */
	async commit(file: StoredFile, workDirectory: string, payload: string): Promise<void> {
		const indexPath = join(workDirectory, 'index.jsonl');
		await writeNewFile(indexPath, file.fragments.map(formatIndexLine));
		await rename(payload, this.payloadPath(file.digest));
		await syncDirectory(this.path);
		await rename(indexPath, join(this.path, `${file.digest}.jsonl`));
		await syncDirectory(this.path);
	}

	/** Removes a payload that producers wrote. */
	async removeProduced({ payload, index }: PayloadFile): Promise<void> {
		await rm(index, { force: true });
		await rm(payload, { force: true });
	}

	/**
	 * Reads what the stream holds, and cuts off what a kill left of a fragment. Throws `KVS_DATA_DAMAGED`, naming the file, where
	 * one is broken. `warn` receives what was cut off, what does not belong here, and is left alone, and payloads of ingested
	 * files without an index, which are set aside.
	 */
	async read(warn: (message: string) => void): Promise<StreamContents> {
		const entries = await entriesOf(this.path);
		const named = (pattern: RegExp): string[] =>
			entries.flatMap((entry) => (entry.isFile && pattern.exec(entry.name)?.[1]) || []);
		const digests = named(INGESTED_INDEX);
		for (const digest of named(INGESTED_PAYLOAD)) {
			// The process was killed between the two, or the index was lost.
			if (!digests.includes(digest)) await this.#setPayloadAside(digest, warn);
		}
		const own = [INGESTED_INDEX, INGESTED_PAYLOAD, PRODUCED_INDEX, PRODUCED_PAYLOAD];
		for (const { name, isFile } of entries) {
			const isOwn = name === STREAM_FILE || own.some((pattern) => pattern.test(name));
			if (isOwn && isFile) continue;
			if (isOwn) throw damaged(join(this.path, name), 'it is not a file');
			warn(`the archive ignores \`${join(this.path, name)}\`, which is not one of its own`);
		}
		const files: StoredFile[] = [];
		for (const digest of digests) files.push(await this.#readIngested(digest));
		const produced: ProducedPayload[] = [];
		const numbers = named(PRODUCED_PAYLOAD).map(Number);
		for (const number of numbers) produced.push(...(await this.#readProduced(number, warn)));
		for (const number of named(PRODUCED_INDEX).map(Number)) {
			// A payload that expired; the process was killed while it removed the two.
			if (!numbers.includes(number)) await rm(this.producedFile(number).index);
		}
		return { files, produced, nextPayload: Math.max(0, ...numbers) + 1 };
	}

	async #setPayloadAside(digest: string, warn: (message: string) => void): Promise<void> {
		const target = join(this.#setAside, `${digest}.mkv`);
		await makePrivateDirectory(this.#setAside);
		await rename(this.payloadPath(digest), target);
		warn(`the archive has no index of \`${target}\`, which was set aside: ingest it again, or remove it`);
	}

	async #readProduced(number: number, warn: (message: string) => void): Promise<ProducedPayload[]> {
		const file = this.producedFile(number);
		const { fragments, sizeBytes, tornBytes, isIndexWhole } = await recoverPayload(file.payload, file.index);
		if (tornBytes > 0) {
			warn(
				`the archive cut ${counted(tornBytes, 'byte')} off \`${file.payload}\`: a fragment that was not yet whole when the archive was stopped`,
			);
		}
		if (fragments.length === 0) {
			await this.removeProduced(file);
			return [];
		}
		if (!isIndexWhole) {
			await rm(`${file.index}.new`, { force: true });
			await replaceFile(file.index, `${file.index}.new`, fragments.map(formatIndexLine));
		}
		return [{ file: { ...file, sizeBytes }, fragments }];
	}

	async #readIngested(digest: string): Promise<StoredFile> {
		const indexPath = join(this.path, `${digest}.jsonl`);
		const payload = this.payloadPath(digest);
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
			throw damaged(payload, `it has ${counted(sizeBytes, 'byte')}, its index says ${endOffset}`);
		}
		return { digest, fragments };
	}
}

/** What is in a directory, in order. A symbolic link counts as what it leads to. */
export async function entriesOf(
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

/** The error of a file of the archive that is not as it was written. */
export function damaged(path: string, what: string): ArchiveError {
	return new ArchiveError('KVS_DATA_DAMAGED', `the archive's file \`${path}\` is damaged: ${what}`);
}
