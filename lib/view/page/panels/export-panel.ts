import type { ExportState } from '../../view-responses.js';
import type { ArchiveClock } from '../address.js';
import type { ArchiveApi } from '../api/archive-api.js';
import { lengthText, sizeText, timeText, type Zone } from '../clock-text.js';
import { element, textElement } from '../element.js';
import { errorText } from '../suggestion.js';

/** How often an export is asked how far it is, in milliseconds. */
const POLL_MS = 300;

/** A range of one stream that is marked. */
export interface MarkedRange {
	readonly stream: string;
	readonly fromMs: number;
	readonly toMs: number;
	readonly clock: ArchiveClock;
	readonly zone: Zone;
}

/** The panel that exports what is marked, here or by a command to copy. */
export class ExportPanel {
	readonly #api: ArchiveApi;
	readonly #commandFlags: readonly string[];
	readonly #button = element('export', HTMLButtonElement);
	readonly #cancel = element('cancel-export', HTMLButtonElement);
	readonly #progress = element('export-progress', HTMLProgressElement);
	readonly #message = element('export-message', HTMLParagraphElement);
	readonly #files = element('export-files', HTMLUListElement);
	readonly #command = element('command', HTMLPreElement);
	readonly #copy = element('copy-command', HTMLButtonElement);
	readonly #marked = element('marked', HTMLParagraphElement);
	#range: MarkedRange | null = null;
	#running: string | null = null;

	constructor(api: ArchiveApi, commandFlags: readonly string[]) {
		this.#api = api;
		this.#commandFlags = commandFlags;
		this.#button.addEventListener('click', () => void this.#run());
		this.#cancel.addEventListener('click', () => {
			if (this.#running !== null) void this.#api.cancelExport(this.#running).catch(() => {});
			this.#running = null;
		});
		this.#copy.addEventListener('click', () => {
			void navigator.clipboard.writeText(this.#command.textContent ?? '').then(() => {
				this.#message.textContent = 'The command was copied.';
			});
		});
	}

	/** Shows what is marked now. */
	mark(range: MarkedRange): void {
		this.#range = range;
		const { fromMs, toMs, zone } = range;
		this.#marked.textContent = `${range.stream}: ${timeText(fromMs, zone)} to ${timeText(toMs, zone)}, ${lengthText(toMs - fromMs)}`;
		this.#button.disabled = this.#running !== null || toMs <= fromMs;
		this.#command.textContent = this.#commandText(range);
		this.#command.hidden = false;
		this.#copy.hidden = false;
	}

	#commandText({ stream, fromMs, toMs, clock }: MarkedRange): string {
		const [from, to] = [fromMs, toMs].map((ms) => new Date(Math.round(ms)).toISOString());
		const words = [
			'kvs-archive',
			'export',
			'--stream',
			stream,
			'--from',
			from,
			'--to',
			to,
			'--by',
			clock,
			...this.#commandFlags,
			'-o',
			`${stream}-${from?.replaceAll(':', '-')}.mp4`,
		];
		return words.map((word) => quoted(word ?? '')).join(' ');
	}

	async #run(): Promise<void> {
		const range = this.#range;
		if (range === null || this.#running !== null) return;
		this.#files.replaceChildren();
		this.#message.textContent = 'Exporting…';
		this.#button.disabled = true;
		this.#progress.hidden = false;
		this.#cancel.hidden = false;
		try {
			const { stream, fromMs, toMs, clock } = range;
			let state = await this.#api.beginExport(stream, {
				from: Math.round(fromMs),
				to: Math.round(toMs),
				by: clock,
			});
			this.#running = state.id;
			while (!state.isDone && this.#running !== null) {
				this.#progress.value = state.fraction;
				await new Promise((resolve) => setTimeout(resolve, POLL_MS));
				if (this.#running !== null) state = await this.#api.exportState(state.id);
			}
			this.#finish(state);
		} catch (error) {
			this.#message.textContent = errorText(error);
		} finally {
			this.#running = null;
			this.#progress.hidden = true;
			this.#cancel.hidden = true;
			this.#button.disabled = false;
		}
	}

	#finish(state: ExportState): void {
		if (this.#running === null) {
			this.#message.textContent = 'The export was cancelled.';
			return;
		}
		if (state.error !== null) {
			this.#message.textContent = `The export failed: ${state.error.message}`;
			return;
		}
		const several = state.files.length > 1 ? `, ${state.files.length} files because the codecs change` : '';
		const lost = state.lost > 0 ? `; ${state.lost} fragments failed or are missing` : '';
		this.#message.textContent = `The export is done${several}${lost}.`;
		this.#files.replaceChildren(
			...state.files.map(({ name, sizeBytes }, index) => {
				const link = textElement('a', `Download ${name} (${sizeText(sizeBytes)})`);
				link.href = `/api/exports/${state.id}/${index}`;
				link.download = name;
				const item = document.createElement('li');
				item.append(link);
				return item;
			}),
		);
	}
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
	return /^[\w.:/@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
