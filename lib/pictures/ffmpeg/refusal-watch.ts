import { ArchiveError } from '../../errors.js';
import type { LogLine } from '../ffmpeg-log.js';
import type { PictureFormat } from '../picture.js';

/** What was requested of an ffmpeg. */
export interface RequestedDecoding {
	/** The program. */
	readonly path: string;
	readonly format: PictureFormat;
	/** The caller's own, of which there may be none. */
	readonly args: readonly string[];
	readonly filter: string;
}

/** Lines that are kept: of what comes before the one that decides, some say why. */
const MAX_REASONS = 3;

/** Which one it is, ffmpeg says within a line about something else. */
const UNKNOWN_OPTION = /Unrecognized option '[^']*'/;
/** Said by one of before 4.1, and all that it says: it has no levels before its lines. */
const UNKNOWN_LEVEL = /^Invalid loglevel "[^"]*"/;
const NO_ENCODER = /^Unknown encoder '/;
const BAD_FILTER =
	/^(?:No such filter: |No option name near |Error initializing filter |Error parsing (?:filterchain|a filter) |Error applying option)/;
const BAD_ARGUMENT =
	/^(?:Error splitting the argument list|Error parsing (?:global options|options for)|Option .* cannot be applied to|Unknown decoder ')/;
const NO_DEVICE =
	/^(?:Unrecognized hwaccel: |No device available for decoder|Device setup failed for decoder)/;
/** Of frames that cannot be decoded too: to be blamed on arguments where there are any. */
const NO_DECODER = /^Error while opening decoder/;

/**
 * Notices in what ffmpeg logs that it cannot do what is requested of it, whatever the frames are: an option, an encoder or a filter
 * that it does not have, or a device that the machine does not have.
 */
export class RefusalWatch {
	readonly #requested: RequestedDecoding;
	#reasons: string[] = [];
	#error: ArchiveError | null = null;

	constructor(requested: RequestedDecoding) {
		this.#requested = requested;
	}

	/** Takes the next line of the log. */
	line({ level, text }: LogLine): void {
		const unknown = (UNKNOWN_LEVEL.exec(text) ?? UNKNOWN_OPTION.exec(text))?.[0];
		const isComplaint = level === 'error' || level === 'fatal' || unknown !== undefined;
		if (!isComplaint || this.#error !== null) return;
		this.#reasons = [...this.#reasons, unknown ?? text.replace(/\.$/, '')].slice(-MAX_REASONS);
		const what = this.#whatIsLacking(text);
		if (what === null) return;
		const { path } = this.#requested;
		const message = `\`${path}\` ${what}: ${this.#reasons.join('; ')}`;
		this.#error = new ArchiveError('KVS_FFMPEG_FAILED', message);
	}

	/** Throws `KVS_FFMPEG_FAILED` where it cannot. */
	check(): void {
		if (this.#error !== null) throw this.#error;
	}

	#whatIsLacking(text: string): string | null {
		const { format, args, filter } = this.#requested;
		if (NO_ENCODER.test(text)) {
			return `cannot write ${format} pictures: choose another format, or an ffmpeg that was built with that encoder (option \`path\` of \`ffmpeg()\`)`;
		}
		if (filter !== '' && BAD_FILTER.test(text)) return `does not take the filter \`${filter}\``;
		const isOfDevice = NO_DEVICE.test(text);
		if (args.length > 0 && (isOfDevice || BAD_ARGUMENT.test(text) || NO_DECODER.test(text))) {
			return `cannot decode with \`${args.join(' ')}\` on this machine`;
		}
		// A script around ffmpeg may name one.
		if (isOfDevice)
			return 'cannot open its hardware device on this machine; use another device, or decode in software';
		if (UNKNOWN_LEVEL.test(text) || BAD_ARGUMENT.test(text) || BAD_FILTER.test(text)) {
			return 'does not know an option or a filter that is needed here (too old, or built without it): name another (option `path` of `ffmpeg()`)';
		}
		return null;
	}
}
