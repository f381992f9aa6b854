import { type ChildProcess, spawn } from 'node:child_process';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { MkvReader } from '../demux/mkv-reader.js';
import { ArchiveError } from '../errors.js';
import type { MediaEvent } from '../model/media-event.js';
import { FfmpegLog, type LogLine } from './ffmpeg-log.js';

const HAS_PROCESS_GROUPS = process.platform !== 'win32';

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
	/** Settles when the process is gone, be its pipes closed or held by one that it started. */
	readonly #exited: Promise<void>;
	#isClosed = false;
	#isLogOver = false;
	#hasOutput = true;
	#isFull = false;
	#lastWords = '';
	#lastLine = '';
	#error: unknown = null;
	#hasChanged = false;
	#wake: () => void = () => {};

	/**
	 * Starts it; no shell in between. That it cannot be started shows in `until`. `onLine` is told each line of its log, which
	 * is read all the time: one that is not read would hold the process up.
	 */
	constructor(path: string, args: readonly string[], onLine: (line: LogLine) => void) {
		this.#path = path;
		this.#child = spawn(path, args, {
			stdio: ['pipe', 'pipe', 'pipe'],
			windowsHide: true,
			// A group of its own: a wrapper around ffmpeg ends together with what it started.
			detached: HAS_PROCESS_GROUPS,
		});
		this.#stdin = this.#child.stdin as Writable;
		const changed = (): void => this.#changed();
		const onClosed = (): void => {
			this.#isClosed = true;
			changed();
		};
		this.#child.once('close', onClosed);
		this.#exited = new Promise((resolve) => {
			this.#child.once('exit', () => resolve());
			this.#child.on('error', (error) => {
				this.#error = this.#explain(error);
				this.#hasOutput = false;
				onClosed();
				resolve();
			});
		});
		this.#stdin.on('drain', () => {
			this.#isFull = false;
			changed();
		});
		// A process that reads no more is about to end, and its end is what counts.
		this.#stdin.on('error', changed);
		const log = new FfmpegLog();
		const stderr = this.#child.stderr as Readable;
		stderr.setEncoding('utf8').on('data', (text: string) => {
			for (const line of log.push(text)) {
				if (line.level === 'error' || line.level === 'fatal') this.#lastWords = line.text;
				this.#lastLine = line.text;
				onLine(line);
			}
			changed();
		});
		stderr.once('close', () => {
			this.#isLogOver = true;
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

	/** What it complained of last, or how it failed; empty where it did neither. */
	get lastWords(): string {
		const { exitCode, signalCode } = this.#child;
		if (this.#lastWords !== '' || (!exitCode && signalCode === null)) return this.#lastWords;
		const how = signalCode === null ? `with code ${exitCode}` : `by ${signalCode}`;
		return `\`${this.#path}\` ended ${how}${this.#lastLine === '' ? '' : `: ${this.#lastLine}`}`;
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
		while (!isSo() && !this.#isLogOver) {
			this.#hasChanged = false;
			await this.#change();
		}
	}

	/** Ends it at once, and waits until it is gone. */
	async kill(): Promise<void> {
		const { pid, stdin, stdout, stderr } = this.#child;
		try {
			if (HAS_PROCESS_GROUPS && pid !== undefined) process.kill(-pid, 'SIGKILL');
			else this.#child.kill('SIGKILL');
		} catch {
			// It is gone already.
		}
		this.#reader.destroy();
		for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
		await this.#exited;
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
