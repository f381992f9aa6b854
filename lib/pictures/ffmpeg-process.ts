import { type ChildProcess, spawn } from 'node:child_process';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { MkvReader } from '../demux/mkv-reader.js';
import { ArchiveError } from '../errors.js';
import type { MediaEvent } from '../model/media-event.js';
import { FfmpegLog, type LogLine } from './ffmpeg-log.js';

/**
 * One ffmpeg: Matroska in on stdin, Matroska out on stdout, read as events.
 *
 * Nothing is awaited on one pipe alone: `until` gives what stdout has while it waits for stdin, so that neither side can
 * hold the other up. Nothing is read from stdout beyond one chunk until it is asked for.
 */
export class FfmpegProcess {
	readonly #path: string;
	readonly #child: ChildProcess;
	readonly #stdin: Writable;
	readonly #reader = new MkvReader({ deliver: 'batch' });
	readonly #closed: Promise<void>;
	#isClosed = false;
	#hasOutput = true;
	#isFull = false;
	#lastWords = '';
	#error: unknown = null;
	#hasChanged = false;
	#wake: () => void = () => {};

	/**
	 * Starts it; no shell in between. That it cannot be started shows in `until`. `onLine` is told each line of its log, which
	 * is read all the time: one that is not read would hold the process up.
	 */
	constructor(path: string, args: readonly string[], onLine: (line: LogLine) => void) {
		this.#path = path;
		this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
		this.#stdin = this.#child.stdin as Writable;
		const changed = (): void => this.#changed();
		this.#closed = new Promise((resolve) => {
			const onClosed = (): void => {
				this.#isClosed = true;
				changed();
				resolve();
			};
			this.#child.once('close', onClosed);
			this.#child.on('error', (error) => {
				this.#error = this.#explain(error);
				this.#hasOutput = false;
				onClosed();
			});
		});
		this.#stdin.on('drain', () => {
			this.#isFull = false;
			changed();
		});
		// A process that reads no more is about to end, and its end is what counts.
		this.#stdin.on('error', changed);
		const log = new FfmpegLog();
		this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
			for (const line of log.push(text)) {
				if (line.level === 'error' || line.level === 'fatal') this.#lastWords = line.text;
				onLine(line);
			}
			changed();
		});
		this.#reader.on('readable', changed);
		pipeline(this.#child.stdout as Readable, this.#reader, (error) => {
			if (error) this.#error ??= error;
			this.#hasOutput = false;
			changed();
		});
	}

	/** Whether it still takes frames. */
	get isOpen(): boolean {
		return !this.#isClosed && this.#stdin.writable;
	}

	/** Whether it has come to its end, and all it gave out was taken. */
	get isOver(): boolean {
		return this.#isClosed && !this.#hasOutput;
	}

	/** Whether stdin would rather not take more. */
	get isFull(): boolean {
		return this.#isFull && this.isOpen;
	}

	/** What it complained of last; empty where it did not. */
	get lastWords(): string {
		return this.#lastWords;
	}

	/** Writes slices to stdin, whether it is full or not. */
	write(slices: readonly Uint8Array[]): void {
		this.#stdin.cork();
		for (const slice of slices) if (this.isOpen && !this.#stdin.write(slice)) this.#isFull = true;
		this.#stdin.uncork();
	}

	/** Nothing more comes on stdin. */
	end(): void {
		this.#stdin.end();
	}

	/** What stdout has until `isDone`. Throws where the process could not be started or gave out what is no Matroska. */
	async *until(isDone: () => boolean): AsyncGenerator<MediaEvent[]> {
		for (;;) {
			this.#hasChanged = false;
			for (let events = this.#reader.read(); events !== null; events = this.#reader.read()) {
				yield events as MediaEvent[];
			}
			if (this.#error !== null) throw this.#error;
			if (isDone()) return;
			await this.#change();
		}
	}

	/** Waits until something that its log tells is so, or there is no more of it. */
	async logged(isSo: () => boolean): Promise<void> {
		while (!isSo() && !this.#isClosed) {
			this.#hasChanged = false;
			await this.#change();
		}
	}

	/** Ends it at once, and waits until it is gone. */
	async kill(): Promise<void> {
		this.#child.kill('SIGKILL');
		this.#reader.destroy();
		await this.#closed;
	}

	async #change(): Promise<void> {
		if (!this.#hasChanged) await new Promise<void>((resolve) => (this.#wake = resolve));
	}

	#changed(): void {
		this.#hasChanged = true;
		this.#wake();
	}

	#explain(error: NodeJS.ErrnoException): ArchiveError {
		const reason = { ENOENT: 'there is no such program', EACCES: 'it is no program' }[error.code ?? ''];
		return new ArchiveError(
			'KVS_FFMPEG_NOT_FOUND',
			`cannot run \`${this.#path}\` to decode pictures: ${reason ?? error.message}; install ffmpeg (https://ffmpeg.org, or the package \`ffmpeg\` of your system), or name it with --ffmpeg PATH`,
			{ cause: error },
		);
	}
}
