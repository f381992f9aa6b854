import { dirname, join } from 'node:path';
import { SinkError } from '../errors.js';
import { type OpenFile, openLocalFile } from '../files/readable-file.js';
import type { RemotePlace } from '../files/remote-place.js';
import { counted } from '../wording/counted.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { ExportBytes } from './export-bytes.js';
import type { ExportedFile, ExportedFragment, ExportManifest } from './export-manifest.js';

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
 * what follows them. Files are expected beside `file`. Aborts reject with the signal's reason; a place that is not on the local disk
 * and cannot be read, with its `SinkError`.
 *
 * @param file - what was given to `export`
 */
export async function verifyExport(
	file: string | RemotePlace,
	manifest: ExportManifest,
	signal?: AbortSignal,
): Promise<VerifyReport> {
	if (typeof file === 'string') return verifyFiles(dirname(file), manifest, openLocalFile, signal);
	const folder = await file.open('file');
	try {
		return await verifyFiles('', manifest, (name) => folder.get(name, signal), signal);
	} finally {
		await folder.close();
	}
}

/** The same of files in a directory, which `openFile` opens. */
export async function verifyFiles(
	directory: string,
	manifest: ExportManifest,
	openFile: OpenFile,
	signal: AbortSignal | undefined,
): Promise<VerifyReport> {
	const paths = manifest.files.map((exported) => join(directory, exported.file));
	const bytes = new ExportBytes(paths, signal, openFile);
	try {
		return { manifest, damage: await new ExportCheck(manifest, bytes, signal).run(), bytes: bytes.bytes };
	} finally {
		await bytes.close();
	}
}

class ExportCheck {
	readonly #manifest: ExportManifest;
	readonly #bytes: ExportBytes;
	readonly #signal: AbortSignal | undefined;
	readonly #damage: ExportDamage[] = [];
	/** Files that cannot be read, and are not read again. */
	readonly #unreadable = new Set<number>();
	/** Up to where each file has been looked at. */
	readonly #positions: number[] = [];

	constructor(manifest: ExportManifest, bytes: ExportBytes, signal: AbortSignal | undefined) {
		this.#manifest = manifest;
		this.#bytes = bytes;
		this.#signal = signal;
	}

	async run(): Promise<readonly ExportDamage[]> {
		const { files, fragments } = this.#manifest;
		this.#addUp();
		for (const [index, exported] of files.entries()) await this.#begin(index, exported);
		for (const fragment of fragments) await this.#fragment(fragment);
		for (const [index, exported] of files.entries()) await this.#end(index, exported);
		return this.#damage;
	}

	/** Whether the fragments are those that the summary counts. */
	#addUp(): void {
		const { fragments, summary } = this.#manifest;
		const none = { delivered: 0, failed: 0, missing: 0, skipped: 0, frames: 0, bytes: 0 };
		const counted = { fragments: fragments.length, ...none };
		for (const { status, frames, bytes } of fragments) {
			counted[status]++;
			counted.frames += frames;
			counted.bytes += bytes;
		}
		for (const key of Object.keys(counted) as (keyof typeof counted)[]) {
			if (counted[key] === summary[key]) continue;
			const found = key === 'fragments' ? 'fragments' : `${key} of fragments`;
			this.#found(null, null, `the manifest lists ${counted[key]} ${found}, not ${summary[key]}`);
		}
	}

	async #begin(index: number, { bytes, head }: ExportedFile): Promise<void> {
		this.#positions.push(head?.bytes ?? 0);
		try {
			const size = await this.#bytes.sizeOf(index);
			if (size !== bytes) this.#found(index, null, `it has ${counted(size, 'byte')}, not ${bytes}`);
		} catch (error) {
			this.#lost(index, error);
		}
		if (head !== null)
			await this.#section(index, 0, head.bytes, head.sha256, 'what comes before the first fragment');
	}

	async #fragment({ fragmentNumber, ranges, sha256 }: ExportedFragment): Promise<void> {
		const [first] = ranges;
		if (first === undefined) return;
		for (const { file, offset, bytes } of ranges) {
			if (this.#positions[file] !== offset) {
				this.#found(
					file,
					fragmentNumber,
					`the manifest has it at byte ${offset}, and what comes before it ends at byte ${this.#positions[file]}`,
				);
			}
			this.#positions[file] = offset + bytes;
		}
		if (ranges.some(({ file }) => this.#unreadable.has(file))) return;
		try {
			if ((await this.#bytes.sha256(ranges)) !== sha256)
				this.#found(first.file, fragmentNumber, 'its bytes have changed');
		} catch (error) {
			this.#lost(first.file, error);
		}
	}

	async #end(index: number, { bytes, tail, sha256 }: ExportedFile): Promise<void> {
		if (sha256 !== null) await this.#section(index, 0, bytes, sha256, 'the file');
		if (tail === null) return;
		const from = this.#positions[index] as number;
		if (from + tail.bytes !== bytes) {
			this.#found(
				index,
				null,
				`the manifest accounts for ${counted(from + tail.bytes, 'byte')} of it, not ${bytes}`,
			);
		}
		const what = 'the bytes after the last fragment';
		await this.#section(index, bytes - tail.bytes, tail.bytes, tail.sha256, what);
	}

	async #section(file: number, offset: number, bytes: number, sha256: string, what: string): Promise<void> {
		if (this.#unreadable.has(file)) return;
		try {
			const found = await this.#bytes.sha256([{ file, offset, bytes }]);
			if (found !== sha256) this.#found(file, null, `${what} has changed`);
		} catch (error) {
			this.#lost(file, error);
		}
	}

	#lost(index: number, error: unknown): void {
		this.#signal?.throwIfAborted();
		// Of a place that cannot be reached nothing is known.
		if (error instanceof SinkError) throw error;
		this.#unreadable.add(index);
		this.#found(index, null, `it cannot be read: ${systemTrouble(error)}`);
	}

	#found(index: number | null, fragmentNumber: string | null, detail: string): void {
		const file = index === null ? '' : (this.#manifest.files[index]?.file ?? `file ${index}`);
		this.#damage.push({ file, fragmentNumber, detail });
	}
}
