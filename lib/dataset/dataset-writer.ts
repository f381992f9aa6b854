import { createHash } from 'node:crypto';
import { SinkError } from '../errors.js';
import type { OutputFolder } from '../files/output-folder.js';
import type { Picture } from '../pictures/picture.js';
import { extensionOf, pictureFacts } from '../sinks/picture-facts.js';
import { nothingToWrite } from '../wording/nothing-to-write.js';
import { type DatasetForm, LIST_NAMES } from './dataset-form.js';
import { type DatasetLine, type DatasetTotals, writeDatasetManifest } from './dataset-manifest.js';
import { LooseFiles } from './loose-files.js';
import type { RunLedger } from './run-ledger.js';
import { SampleNames, shardName } from './sample-names.js';
import { readAllSections, type Section, SectionWriter, type TrackProgress } from './section.js';
import { TarShard } from './tar-shard.js';
import type { OpenSection, Sample, WrittenFile } from './written-file.js';

/** What earlier processes have written into a folder. */
export interface DatasetPast {
	/** Sections, and the checksum of the last of them. */
	readonly sections: number;
	readonly checksum: string;
	/** By number of the track. */
	readonly tracks: ReadonlyMap<number, TrackProgress>;
}

/** Nothing. */
export const NO_DATASET: DatasetPast = { sections: 0, checksum: '', tracks: new Map() };

/** What is to be written. */
export interface DatasetWriterOptions {
	/** Held by the caller. */
	readonly folder: OutputFolder;
	readonly form: DatasetForm;
	/** In plain JSON; null where the pictures are of a pipeline of the caller's own. */
	readonly request: unknown;
	readonly past: DatasetPast;
	readonly ledger: RunLedger;
}

/** The pictures of one track, in a sequence of their own: those of others come sooner or later, as decoding goes. */
interface TrackOutput {
	readonly names: SampleNames;
	pictures: number;
	sections: number;
	open: OpenSection | null;
	lines: string[];
}

/**
 * Writes pictures into a folder, section by section, and at its end the list and the manifest. What is in finished sections
 * another process goes on from. Fails with `SinkError` (`KVS_SINK_FAILED`).
 */
export class DatasetWriter {
	readonly #options: DatasetWriterOptions;
	readonly #sections: SectionWriter;
	readonly #tracks = new Map<number, TrackOutput>();
	#sectionCount: number;

	constructor(options: DatasetWriterOptions) {
		const { folder, form, past } = options;
		this.#options = options;
		this.#sections = new SectionWriter(folder, past.checksum);
		this.#sectionCount = past.sections;
		for (const [number, { pictures, sections, names }] of past.tracks) {
			const sampleNames = new SampleNames(form.layout, names);
			this.#tracks.set(number, { names: sampleNames, pictures, sections, open: null, lines: [] });
		}
	}

	/** Pictures that were written, those of earlier processes included. */
	get pictures(): number {
		return [...this.#tracks.values()].reduce((sum, { pictures }) => sum + pictures, 0);
	}

	/** Takes the next picture; false where an earlier process has written it. */
	async add(picture: Picture): Promise<boolean> {
		const { folder, form, ledger } = this.#options;
		const { number } = picture.frame.track;
		const track = this.#trackOf(number);
		const { data, format } = picture;
		const known = pictureFacts(picture);
		const facts = JSON.stringify(known);
		// First: a section ends before this picture.
		if (track.open?.hasRoomFor({ data, facts }) === false) await this.#finishSection(number, track);
		if (!ledger.picture(picture)) return false;
		const sample: Sample = { name: track.names.next(picture), extension: extensionOf(format), data, facts };
		track.open ??=
			form.layout === 'webdataset'
				? await TarShard.create(folder, shardName(form, number, track.sections), form.shardSizeBytes)
				: new LooseFiles(folder);
		await track.open.add(sample);
		const file = `${sample.name}.${sample.extension}`;
		if (form.layout === 'files') track.lines.push(JSON.stringify({ file, ...known }));
		if (form.layout === 'imagefolder') track.lines.push(JSON.stringify({ file_name: file, ...known }));
		track.pictures++;
		return true;
	}

	/**
	 * Finishes the folder but for the progress, which the caller removes. `totals`: what the run has counted. Fails with `SinkError` (`KVS_EMPTY_RANGE`) where no picture came.
	 */
	async finish(totals: Omit<DatasetTotals, 'pictures'>): Promise<DatasetTotals> {
		const { folder, form, request, ledger } = this.#options;
		ledger.end();
		for (const [number, track] of this.#inOrder()) {
			if (track.open !== null) await this.#finishSection(number, track);
		}
		if (this.#sectionCount === 0) {
			const message = nothingToWrite(`\`${folder.name}\``, 'pictures', totals.skipped);
			throw new SinkError('KVS_EMPTY_RANGE', folder.name, message);
		}
		const list = await this.#writeList();
		const { layout, name } = form;
		const allTotals = { pictures: this.pictures, ...totals };
		await writeDatasetManifest(
			folder,
			{ layout, name, request, totals: allTotals },
			this.#manifestLines(list),
		);
		return allTotals;
	}

	/** Leaves what is finished for another process. */
	async leave(): Promise<void> {
		for (const { open } of this.#tracks.values()) await open?.discard();
	}

	#trackOf(number: number): TrackOutput {
		const known = this.#tracks.get(number);
		if (known !== undefined) return known;
		const names = new SampleNames(this.#options.form.layout);
		const track = { names, pictures: 0, sections: 0, open: null, lines: [] };
		this.#tracks.set(number, track);
		return track;
	}

	#inOrder(): readonly (readonly [number, TrackOutput])[] {
		return [...this.#tracks].sort(([a], [b]) => a - b);
	}

	async #finishSection(number: number, track: TrackOutput): Promise<void> {
		const { ledger } = this.#options;
		const files = (await track.open?.finish()) ?? [];
		track.open = null;
		track.sections++;
		const { pictures, sections, names, lines } = track;
		track.lines = [];
		const progress = { pictures, sections, names: names.state, ...ledger.progressOf(number) };
		const fragments = ledger.finished(number);
		await this.#sections.add({
			number: this.#sectionCount,
			track: number,
			files,
			lines,
			progress,
			fragments,
		});
		this.#sectionCount++;
	}

	/** The sections of one track after the other. */
	async *#finished(): AsyncGenerator<Section> {
		const { folder, form } = this.#options;
		for (const [number] of this.#inOrder()) {
			for await (const section of readAllSections(folder, form, this.#sectionCount)) {
				if (section.track === number) yield section;
			}
		}
	}

	async #writeList(): Promise<WrittenFile | null> {
		const { folder, form } = this.#options;
		const name = LIST_NAMES[form.layout];
		if (name === null) return null;
		const file = await folder.create(name);
		const hash = createHash('sha256');
		let bytes = 0;
		try {
			for await (const { lines } of this.#finished()) {
				const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
				hash.update(text);
				bytes += text.byteLength;
				await file.append([text]);
			}
			await file.commit();
		} catch (error) {
			await file.discard();
			throw error;
		}
		return { name, bytes, sha256: hash.digest('hex') };
	}

	async *#manifestLines(list: WrittenFile | null): AsyncGenerator<DatasetLine> {
		for (const fragment of this.#options.ledger.fragments) yield { type: 'fragment', fragment };
		for await (const { files } of this.#finished()) for (const file of files) yield { type: 'file', file };
		if (list !== null) yield { type: 'list', file: list };
	}
}
