import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveError } from '../../errors.js';
import type { KvsArchive } from '../../index.js';
import type { Window } from '../../stored/window-pages.js';
import { describe, type ViewReply } from '../view-reply.js';
import type { ExportState } from '../view-responses.js';

/** Exports that are there at once, finished ones included; the oldest goes first. */
const MAX_EXPORTS = 4;

interface RangeExport {
	state: ExportState;
	readonly directory: string;
	readonly controller: AbortController;
	readonly over: Promise<void>;
	paths: readonly string[];
}

/** Exports of ranges that the page asked for, in a private temporary directory each, until they are fetched or given up. */
export class RangeExports implements AsyncDisposable {
	readonly #exports = new Map<string, RangeExport>();

	/** Begins to write a range into an MP4 file. */
	async begin(archive: KvsArchive, stream: string, range: Window): Promise<ExportState> {
		const id = randomUUID();
		const directory = await mkdtemp(join(tmpdir(), 'kvs-view-'));
		const name = `${stream.replace(/[^A-Za-z0-9_.-]/g, '_')}-${range.from.toISOString().replaceAll(':', '-')}.mp4`;
		const controller = new AbortController();
		const state = { id, name, fraction: 0, isDone: false, files: [], lost: 0, error: null };
		const started: RangeExport = {
			state,
			directory,
			controller,
			paths: [],
			over: Promise.resolve().then(() => this.#run(started, archive, range)),
		};
		this.#exports.set(id, started);
		const [oldest] = this.#exports.keys();
		if (this.#exports.size > MAX_EXPORTS && oldest !== undefined) await this.remove(oldest);
		return state;
	}

	/** Throws `ArchiveError` (`KVS_NOT_FOUND`). */
	state(id: string): ExportState {
		return this.#find(id).state;
	}

	/** A file of a finished export, to be saved. Rejects with `ArchiveError`. */
	async file(id: string, index: number): Promise<ViewReply> {
		const { paths, state } = this.#find(id);
		const path = paths[index];
		const { name } = state.files[index] ?? { name: '' };
		if (path === undefined) throw new ArchiveError('KVS_NOT_FOUND', 'the export has no such file');
		const { size } = await stat(path);
		return {
			contentType: 'video/mp4',
			headers: { 'content-length': `${size}`, 'content-disposition': `attachment; filename="${name}"` },
			body: createReadStream(path),
		};
	}

	/** Stops an export where it is under way, and removes what it wrote. */
	async remove(id: string): Promise<void> {
		const { controller, over, directory } = this.#find(id);
		this.#exports.delete(id);
		controller.abort();
		await over;
		await rm(directory, { recursive: true, force: true });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#exports.keys()].map((id) => this.remove(id)));
	}

	#find(id: string): RangeExport {
		const found = this.#exports.get(id);
		if (found === undefined) throw new ArchiveError('KVS_NOT_FOUND', 'there is no such export any more');
		return found;
	}

	async #run(running: RangeExport, archive: KvsArchive, range: Window): Promise<void> {
		const { controller, directory, state } = running;
		try {
			const summary = await archive.export(range, join(directory, state.name), {
				manifest: false,
				signal: controller.signal,
				onProgress: ({ fraction }) => {
					running.state = { ...running.state, fraction };
				},
			});
			running.paths = summary.files.map(({ file }) => file);
			running.state = {
				...running.state,
				fraction: 1,
				isDone: true,
				files: summary.files.map(({ file, bytes }) => ({ name: nameOf(file), sizeBytes: bytes })),
				lost: summary.failed + summary.missing,
			};
		} catch (error) {
			running.state = { ...running.state, isDone: true, error: describe(error) };
		}
	}
}

function nameOf(path: string): string {
	return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
