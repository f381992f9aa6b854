import { type ChildProcess, spawn } from 'node:child_process';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { MkvReader } from '../demux/mkv-reader.js';
import { ArchiveError } from '../errors.js';
import type { MediaEvent } from '../model/media-event.js';
import type { Clock } from '../pace/clock.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { FfmpegLog, type LogLine } from './ffmpeg-log.js';
import { endWithProcess, GROUP_OPTIONS, killGroup } from './process-group.js';
import { StallWatch } from './stall-watch.js';

/** How an ffmpeg is run. */
export interface FfmpegProcessOptions {
	/** The program, by its path or its name in the PATH. */
	readonly path: string;
	readonly args: readonly string[];
	/** Called with each line of its log, which is read all the time: one that is not read would hold the process up. */
	readonly onLine: (line: LogLine) => void;
	/** How long one thing may be waited for: that it takes what it was given, gives something out, or ends. */
	readonly timeoutMs: number;
	readonly clock: Clock;
}

/**
 * One ffmpeg: Matroska in on stdin, Matroska out on stdout, read as events.
 *
 * Nothing is awaited on one pipe alone: `until` gives what stdout has while it waits for stdin, so that neither side can
 * hold the other up. Nothing is read from stdout beyond one chunk until it is asked for. A process that hangs is killed.
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
	#lastLine: LogLine | null = null;
	#hasBegun = false;
	#error: unknown = null;
	/** Whether `end` was called. */
	#isInputOver = false;
	/** Whether it ended well, but before `end` was called. */
	#isEarly = false;
	readonly #watch: StallWatch;
	#hasChanged = false;
	#wake: () => void = () => {};

	/** Starts it; no shell in between. That it cannot be started shows in `until`. */
	constructor({ path, args, onLine, timeoutMs, clock }: FfmpegProcessOptions) {
		this.#path = path;
		this.#child = spawn(path, args, { ...GROUP_OPTIONS, stdio: ['pipe', 'pipe', 'pipe'] });
		if (this.#child.pid !== undefined) endWithProcess(this.#child);
		this.#stdin = this.#child.stdin as Writable;
		const changed = (): void => this.#changed();
		const onClosed = (): void => {
			this.#isClosed = true;
			changed();
		};
		this.#child.once('close', onClosed);
		this.#exited = new Promise((resolve) => {
			this.#child.once('exit', (code) => {
				this.#isEarly = code === 0 && !this.#isInputOver;
				resolve();
			});
			this.#child.on('error', (error) => {
				this.#error = this.#explain(error);
				this.#hasOutput = false;
				onClosed();
				resolve();
			});
		});
		this.#watch = new StallWatch({ timeoutMs, clock, onStall: () => this.#stalled(timeoutMs) });
		this.#stdin.on('drain', () => {
			this.#isFull = false;
			this.#watch.progressed();
			changed();
		});
		// A process that reads no more is about to end, and its end is what counts.
		this.#stdin.on('error', changed);
		const log = new FfmpegLog();
		const stderr = this.#child.stderr as Readable;
		stderr.setEncoding('utf8').on('data', (text: string) => {
			for (const line of log.push(text)) {
				if (line.level === 'error' || line.level === 'fatal') this.#lastWords = line.text;
				this.#lastLine = line;
				this.#hasBegun ||= line.text.startsWith('Opening an input file');
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
			if (error) this.#error ??= this.failure(`wrote output that is not Matroska: ${error.message}`, error);
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
		const words = this.#lastWords;
		const how = signalCode === null ? `with code ${exitCode}` : `by ${signalCode}`;
		const ended = `\`${this.#path}\` ended ${how}${this.#isEarly ? ' before its input was over' : ''}`;
		if (signalCode !== null || this.#isEarly) return words === '' ? ended : `${ended}: ${words}`;
		// Where nothing of its input can be decoded it ends with a code: then its complaint is what counts.
		return words !== '' || !exitCode ? words : `${ended}${this.#said}`;
	}

	/** Throws where it failed, and said so, without having looked at its input: the stream has nothing to do with that. */
	checkBegun(): void {
		const { exitCode } = this.#child;
		if (!exitCode || this.#hasBegun || this.#lastLine === null) return;
		throw this.failure(`ended with code ${exitCode} before it read anything`);
	}

	/** The error of a program that does not do what it is there for; `what` it did is a clause. */
	failure(what: string, cause?: unknown): ArchiveError {
		const hint = 'check that it is ffmpeg, or name another (option `path` of `ffmpeg()`)';
		return new ArchiveError('KVS_FFMPEG_FAILED', `\`${this.#path}\` ${what}${this.#said}; ${hint}`, {
			cause,
		});
	}

	/** Writes slices to stdin, whether it is full or not. */
	write(slices: readonly Uint8Array[]): void {
		this.#stdin.cork();
		for (const slice of slices) if (this.isOpen && !this.#stdin.write(slice)) this.#isFull = true;
		this.#stdin.uncork();
	}

	/** Nothing more comes on stdin. */
	end(): void {
		this.#isInputOver = this.#stdin.writable;
		this.#stdin.end();
	}

	/** What stdout has until `isDone`. Throws where the process could not be started, hangs, or gives out what is not Matroska. */
	async *until(isDone: () => boolean): AsyncGenerator<MediaEvent[]> {
		this.#watch.progressed();
		for (;;) {
			this.#hasChanged = false;
			for (let events = this.#reader.read(); events !== null; events = this.#reader.read()) {
				yield events as MediaEvent[];
				this.#watch.progressed();
			}
			if (this.#error !== null) throw this.#error;
			if (isDone()) return;
			await this.#change();
		}
	}

	/** Waits until something that its log says is so, or there is no more of it. */
	async logged(isSo: () => boolean): Promise<void> {
		this.#watch.progressed();
		while (!isSo() && !this.#isLogOver && this.#error === null) {
			this.#hasChanged = false;
			await this.#change();
		}
	}

	/** Ends it at once, and waits until it is gone. */
	async kill(): Promise<void> {
		this.#watch.stop();
		this.#end();
		await this.#exited;
	}

	get #said(): string {
		// Lines of any other level are its log of every frame.
		const words = this.#lastLine?.level === '' ? this.#lastLine.text : this.#lastWords;
		return words === '' ? '' : `: ${words}`;
	}

	#stalled(timeoutMs: number): void {
		this.#error ??= this.failure(`timed out after ${timeoutMs / 1000} s without progress and was killed`);
		this.#end();
		this.#changed();
	}

	#end(): void {
		const { stdin, stdout, stderr } = this.#child;
		killGroup(this.#child);
		this.#reader.destroy();
		for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
	}

	async #change(): Promise<void> {
		if (this.#hasChanged) return;
		this.#watch.isWaiting = true;
		await new Promise<void>((resolve) => (this.#wake = resolve));
		this.#watch.isWaiting = false;
	}

	#changed(): void {
		this.#hasChanged = true;
		this.#wake();
	}

	#explain(error: NodeJS.ErrnoException): ArchiveError {
		const reason = { ENOENT: 'there is no such program', EACCES: 'it is not a program' }[error.code ?? ''];
		return new ArchiveError(
			'KVS_FFMPEG_NOT_FOUND',
			`cannot run \`${this.#path}\` to decode pictures: ${reason ?? systemTrouble(error)}; install ffmpeg (https://ffmpeg.org, or the package \`ffmpeg\` of your system), or name it (option \`path\` of \`ffmpeg()\`)`,
			{ cause: error },
		);
	}
}
