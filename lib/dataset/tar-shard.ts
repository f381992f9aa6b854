import { createHash } from 'node:crypto';
import type { Pack } from 'tar-stream';
import type { OutputFolder, UnfinishedFile } from '../files/output-folder.js';
import type { OpenSection, Sample, WrittenFile } from './written-file.js';

/** What a tar file is made of (POSIX.1-2017, pax, ustar): a header before each file, both in whole blocks, two empty ones at the end. */
const BLOCK_BYTES = 512;
const END_BYTES = 2 * BLOCK_BYTES;

/** What is gathered before it is written. */
const WRITE_BYTES = 1024 * 1024;

/** Samples as one tar file, `KEY.jpg` and `KEY.json` one after the other. The same samples give the same bytes. */
export class TarShard implements OpenSection {
	readonly #name: string;
	readonly #maxBytes: number;
	readonly #file: UnfinishedFile;
	readonly #pack: Pack;
	readonly #hash = createHash('sha256');
	readonly #written: Promise<void>;
	#sizeBytes = END_BYTES;
	#count = 0;

	private constructor(name: string, maxBytes: number, file: UnfinishedFile, pack: Pack) {
		this.#name = name;
		this.#maxBytes = maxBytes;
		this.#file = file;
		this.#pack = pack;
		this.#written = this.#write();
		// Thrown by `add` and `finish`.
		this.#written.catch(() => {});
	}

	/** Begins a shard. */
	static async create(folder: OutputFolder, name: string, maxBytes: number): Promise<TarShard> {
		// Loaded by what writes shards, for the time of importing this package.
		const { pack } = await import('tar-stream');
		return new TarShard(name, maxBytes, await folder.create(name), pack());
	}

	get count(): number {
		return this.#count;
	}

	hasRoomFor(sample: Pick<Sample, 'data' | 'facts'>): boolean {
		return this.#count === 0 || this.#sizeBytes + sizeOf(sample) <= this.#maxBytes;
	}

	async add(sample: Sample): Promise<void> {
		const { name, extension, data, facts } = sample;
		this.#sizeBytes += sizeOf(sample);
		this.#count++;
		await this.#entry(`${name}.${extension}`, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
		await this.#entry(`${name}.json`, Buffer.from(facts));
	}

	async finish(): Promise<readonly WrittenFile[]> {
		this.#pack.finalize();
		await this.#written;
		await this.#file.commit();
		const sha256 = this.#hash.digest('hex');
		return [{ name: this.#name, bytes: this.#sizeBytes, sha256, samples: this.#count }];
	}

	async discard(): Promise<void> {
		this.#pack.destroy();
		await this.#written.catch(() => {});
		await this.#file.discard();
	}

	/** Resolves when the bytes are on their way: before that, no more are taken. */
	async #entry(name: string, data: Buffer): Promise<void> {
		const header = { name, size: data.byteLength, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 };
		const added = new Promise<void>((resolve, reject) => {
			this.#pack.entry(header, data, (error) => {
				if (error) reject(error);
				else resolve();
			});
		});
		try {
			await Promise.race([this.#written, added]);
		} catch (error) {
			// An entry says only that the shard has failed.
			await this.#written;
			throw error;
		}
	}

	async #write(): Promise<void> {
		let gathered: Buffer[] = [];
		let gatheredBytes = 0;
		const flush = async (): Promise<void> => {
			await this.#file.append(gathered);
			gathered = [];
			gatheredBytes = 0;
		};
		for await (const chunk of this.#pack as AsyncIterable<Buffer>) {
			this.#hash.update(chunk);
			gathered.push(chunk);
			gatheredBytes += chunk.byteLength;
			if (gatheredBytes >= WRITE_BYTES) await flush();
		}
		if (gatheredBytes > 0) await flush();
	}
}

/** What a sample takes of a tar file. */
function sizeOf({ data, facts }: Pick<Sample, 'data' | 'facts'>): number {
	return 2 * BLOCK_BYTES + blocksOf(data.byteLength) + blocksOf(Buffer.byteLength(facts));
}

function blocksOf(bytes: number): number {
	return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
