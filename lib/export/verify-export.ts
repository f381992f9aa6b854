import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportedFile, ExportedFragment, ExportManifest } from './export-manifest.js';

/** What is read of a file at a time. */
const READ_BYTES = 1024 * 1024;

/** Something that is not what the manifest says. */
export interface ExportDamage {
	/** Name of the file, without its directory. */
	readonly file: string;
	/** The fragment whose bytes they are; null where they belong to none. */
	readonly fragmentNumber: string | null;
	/** In words. */
	readonly detail: string;
}

/** What a check of an export found. */
export interface VerifyReport {
	readonly manifest: ExportManifest;
	/** Bytes that were read. */
	readonly bytes: number;
	/** Empty where every byte is what it was. */
	readonly damage: readonly ExportDamage[];
}

/**
 * Checks the files of an export against its manifest, byte for byte: what comes before the fragments, every fragment, and
 * what comes behind them. Files are expected beside `file`. Aborts reject with the signal's reason.
 */
export async function verifyExport(
	file: string,
	manifest: ExportManifest,
	signal?: AbortSignal,
): Promise<VerifyReport> {
	const check = new ExportCheck(dirname(file), manifest, signal);
	try {
		return { manifest, damage: await check.run(), bytes: check.bytes };
	} finally {
		await check.close();
	}
}

class ExportCheck {
	/** Bytes read so far. */
	bytes = 0;
	readonly #directory: string;
	readonly #manifest: ExportManifest;
	readonly #signal: AbortSignal | undefined;
	readonly #damage: ExportDamage[] = [];
	readonly #handles: (FileHandle | null)[] = [];
	/** Up to where each file has been looked at. */
	readonly #positions: number[] = [];
	readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

	constructor(directory: string, manifest: ExportManifest, signal: AbortSignal | undefined) {
		this.#directory = directory;
		this.#manifest = manifest;
		this.#signal = signal;
	}

	async run(): Promise<readonly ExportDamage[]> {
		const { files, fragments } = this.#manifest;
		this.#addUp();
		for (const exported of files) await this.#begin(exported);
		for (const fragment of fragments) await this.#fragment(fragment);
		for (const [index, exported] of files.entries()) await this.#end(index, exported);
		return this.#damage;
	}

	async close(): Promise<void> {
		for (const handle of this.#handles) await handle?.close();
	}

	/** Whether the fragments are those that the summary counts. */
	#addUp(): void {
		const { fragments, summary } = this.#manifest;
		const counted = { fragments: fragments.length, delivered: 0, failed: 0, missing: 0, frames: 0, bytes: 0 };
		for (const { status, frames, bytes } of fragments) {
			counted[status]++;
			counted.frames += frames;
			counted.bytes += bytes;
		}
		for (const key of ['fragments', 'delivered', 'failed', 'missing', 'frames', 'bytes'] as const) {
			if (counted[key] === summary[key]) continue;
			const found = key === 'fragments' ? 'fragments' : `${key} of fragments`;
			this.#found(null, null, `the manifest lists ${counted[key]} ${found}, not ${summary[key]}`);
		}
	}

	async #begin(exported: ExportedFile): Promise<void> {
		const index = this.#handles.length;
		let handle: FileHandle | null = null;
		try {
			handle = await open(join(this.#directory, exported.file));
			const { size } = await handle.stat();
			if (size !== exported.bytes) this.#found(index, null, `it has ${size} bytes, not ${exported.bytes}`);
		} catch (error) {
			this.#found(index, null, `it cannot be read: ${(error as Error).message}`);
		}
		this.#handles.push(handle);
		this.#positions.push(exported.head?.bytes ?? 0);
		const { head } = exported;
		if (head !== null)
			await this.#section(index, 0, head.bytes, head.sha256, 'what comes before the first fragment');
	}

	async #fragment({ fragmentNumber, ranges, sha256 }: ExportedFragment): Promise<void> {
		if (ranges.length === 0) return;
		const hash = createHash('sha256');
		for (const { file, offset, bytes } of ranges) {
			if (this.#positions[file] !== offset) {
				this.#found(
					file,
					fragmentNumber,
					`the manifest has it at ${offset}, and what comes before it ends at ${this.#positions[file]}`,
				);
			}
			this.#positions[file] = offset + bytes;
			await this.#read(file, offset, bytes, hash);
		}
		const [first] = ranges;
		if (hash.digest('hex') !== sha256)
			this.#found(first?.file ?? null, fragmentNumber, 'its bytes have changed');
	}

	async #end(index: number, { bytes, tail, sha256 }: ExportedFile): Promise<void> {
		if (sha256 !== null) await this.#section(index, 0, bytes, sha256, 'the file');
		if (tail === null) return;
		const from = this.#positions[index] as number;
		if (from + tail.bytes !== bytes) {
			this.#found(index, null, `the manifest knows nothing of ${bytes - from - tail.bytes} bytes`);
		}
		await this.#section(
			index,
			bytes - tail.bytes,
			tail.bytes,
			tail.sha256,
			'what comes behind the last fragment',
		);
	}

	async #section(index: number, offset: number, bytes: number, sha256: string, what: string): Promise<void> {
		const hash = createHash('sha256');
		await this.#read(index, offset, bytes, hash);
		if (hash.digest('hex') !== sha256) this.#found(index, null, `${what} has changed`);
	}

	async #read(index: number, offset: number, bytes: number, hash: Hash): Promise<void> {
		const handle = this.#handles[index];
		for (let done = 0; handle != null && done < bytes; ) {
			this.#signal?.throwIfAborted();
			const length = Math.min(READ_BYTES, bytes - done);
			const { bytesRead } = await handle.read(this.#buffer, 0, length, offset + done);
			// A file that is too short was found before.
			if (bytesRead === 0) return;
			hash.update(this.#buffer.subarray(0, bytesRead));
			done += bytesRead;
			this.bytes += bytesRead;
		}
	}

	#found(index: number | null, fragmentNumber: string | null, detail: string): void {
		const file = index === null ? '' : (this.#manifest.files[index]?.file ?? `file ${index}`);
		this.#damage.push({ file, fragmentNumber, detail });
	}
}
