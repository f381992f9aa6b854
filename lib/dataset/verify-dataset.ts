import { createHash } from 'node:crypto';
import { SinkError } from '../errors.js';
import { folderOf } from '../files/directory-folder.js';
import type { OutputFolder } from '../files/output-folder.js';
import { counted } from '../wording/counted.js';
import { REQUEST_FILE } from './begun-dataset.js';
import type { PictureLayout } from './dataset-form.js';
import {
	DATASET_FILE,
	type DatasetHead,
	type DatasetTotals,
	type ReadManifest,
	readDatasetManifest,
} from './dataset-manifest.js';
import type { FragmentRecord } from './fragment-record.js';
import { isOwnName } from './sample-names.js';
import type { WrittenFile } from './written-file.js';

/** Something in a folder of pictures that is not what its manifest says. */
export interface DatasetDamage {
	readonly file: string;
	/** In words. */
	readonly detail: string;
}

/** What a check of a folder of pictures found. */
export interface DatasetReport extends DatasetTotals {
	readonly layout: PictureLayout;
	/** Files in the manifest: pictures or shards, and the list. */
	readonly files: number;
	/** Bytes that were read. */
	readonly bytesRead: number;
	/** Empty where every file is what it was, and there are no others that a reader would take for pictures. */
	readonly damage: readonly DatasetDamage[];
}

/**
 * Checks a folder of pictures against its manifest: the size and SHA-256 of every file, and that there are no pictures or
 * shards besides. Fails with `SinkError`: `KVS_MANIFEST_MISSING`, also where the folder is not finished, `KVS_MANIFEST_INVALID`, and
 * `KVS_SINK_FAILED` where it cannot be read. Aborts reject with the signal's reason.
 */
export async function verifyDataset(
	folder: string | OutputFolder,
	signal?: AbortSignal,
): Promise<DatasetReport> {
	const place = folderOf(folder);
	const manifest = await readDatasetManifest(place);
	if (manifest !== null) return (await checkDataset(place, manifest, signal)).report;
	const isBegun = (await place.sizeOf(REQUEST_FILE)) !== null;
	const why = isBegun
		? 'its export is not finished; run the same export again to resume it'
		: `there is no \`${DATASET_FILE}\` in it, nor a list of recordings`;
	throw new SinkError('KVS_MANIFEST_MISSING', place.name, `cannot check \`${place.name}\`: ${why}`);
}

/** The same where the manifest is being read; `fragments`: those in it. */
export async function checkDataset(
	folder: OutputFolder,
	{ head, lines }: ReadManifest,
	signal: AbortSignal | undefined,
): Promise<{ readonly report: DatasetReport; readonly fragments: readonly FragmentRecord[] }> {
	const check = new DatasetCheck(folder, head, signal);
	const fragments: FragmentRecord[] = [];
	for await (const line of lines) {
		if (line.type === 'fragment') fragments.push(line.fragment);
		else await check.file(line.file);
	}
	const { layout, totals } = head;
	return { report: { layout, ...totals, ...(await check.end()) }, fragments };
}

class DatasetCheck {
	readonly #folder: OutputFolder;
	readonly #head: DatasetHead;
	readonly #signal: AbortSignal | undefined;
	readonly #damage: DatasetDamage[] = [];
	readonly #names = new Set<string>();
	#bytesRead = 0;

	constructor(folder: OutputFolder, head: DatasetHead, signal: AbortSignal | undefined) {
		this.#folder = folder;
		this.#head = head;
		this.#signal = signal;
	}

	async file({ name, bytes, sha256 }: WrittenFile): Promise<void> {
		if (this.#names.has(name)) this.#found(name, `it is in \`${DATASET_FILE}\` twice`);
		this.#names.add(name);
		try {
			const chunks = await this.#folder.read(name);
			if (chunks === null) {
				this.#found(name, 'it is missing');
				return;
			}
			const hash = createHash('sha256');
			let size = 0;
			for await (const chunk of chunks) {
				this.#signal?.throwIfAborted();
				hash.update(chunk);
				size += chunk.byteLength;
			}
			this.#bytesRead += size;
			if (size !== bytes) this.#found(name, `it has ${counted(size, 'byte')}, not ${bytes}`);
			else if (hash.digest('hex') !== sha256) this.#found(name, 'its bytes have changed');
		} catch (error) {
			this.#signal?.throwIfAborted();
			this.#found(name, (error as Error).message);
		}
	}

	/** All files of the manifest were looked at. */
	async end(): Promise<Pick<DatasetReport, 'files' | 'bytesRead' | 'damage'>> {
		for await (const name of this.#folder.list()) {
			if (isOwnName(name, this.#head) && !this.#names.has(name)) {
				this.#found(name, `it is not in \`${DATASET_FILE}\``);
			}
		}
		return { files: this.#names.size, bytesRead: this.#bytesRead, damage: this.#damage };
	}

	#found(file: string, detail: string): void {
		this.#damage.push({ file, detail });
	}
}
