import Hls, { type ErrorData, type Fragment } from 'hls.js/light';
import type { PlayedSession } from '../../view-responses.js';
import { ApiError } from '../api/api-requests.js';
import type { StreamApi } from '../api/stream-api.js';
import { textElement } from '../element.js';
import { errorText } from '../suggestion.js';
import { pictureOf, watchFrames } from './frame-watch.js';
import { mediaErrorText } from './media-error-text.js';
import { secondsOf, timeOf } from './media-times.js';
import { ShownFrames } from './shown-frames.js';

/** How long before it expires a session is renewed, in milliseconds. */
const RENEW_MS = 60_000;

/** How often in a row a session that was refused is opened anew. */
const MAX_RENEWALS = 2;

/** How often in a row sessions are joined that give no frame. */
const MAX_JOINS = 3;

/** Playback is at the end of what is loaded when less is left, in seconds. */
const JOIN_SECONDS = 0.2;

/** What a player reports. */
export interface PlayerEvents {
	/** The time of the picture shown has changed. */
	readonly onTime: () => void;
	/** Something for the reader; null: what was said is over. */
	readonly onMessage: (message: string | null) => void;
	/** Nothing was recorded for a length of time, and playback goes on after it. */
	readonly onGap: (lengthMs: number) => void;
}

/** Plays one stream from any moment on: opens sessions, joins the next to one that ends, and renews one that expires. */
export class StreamPlayer {
	readonly figure = document.createElement('figure');
	readonly video = document.createElement('video');
	readonly #api: StreamApi;
	readonly #events: PlayerEvents;
	readonly #frames = new ShownFrames();
	#hls: Hls | null = null;
	#session: PlayedSession | null = null;
	#opening: AbortController | null = null;
	/** A moment whose picture is not shown yet. */
	#chosenMs: number | null = null;
	#renewal = 0;
	#renewals = 0;
	#isWanted = false;
	#isRecovered = false;
	/** Where the session's media cannot go on, as the tracks change there; another session does. */
	#joinMs: number | null = null;
	/** Sessions that were joined without a frame between them. */
	#joins = 0;
	/** Whether the player has stopped loading this session: a moment that is chosen needs another. */
	#isStopped = false;
	/** Whether a message of this player is shown that the next moment chosen ends. */
	#hasSaid = false;
	#isClosed = false;

	constructor(api: StreamApi, events: PlayerEvents) {
		const { stream } = api;
		this.#api = api;
		this.#events = events;
		this.video.muted = true;
		this.video.playsInline = true;
		this.video.setAttribute('aria-label', `Video of ${stream}`);
		this.figure.append(this.video, textElement('figcaption', stream));
		this.video.addEventListener('ended', () => void this.#playNext());
		this.video.addEventListener('waiting', () => this.#join());
		this.video.addEventListener('play', () => events.onTime());
		this.video.addEventListener('pause', () => events.onTime());
		watchFrames(this.video, (seconds) => this.#onFrame(seconds));
	}

	/** Time of the picture shown on the clock, epoch milliseconds; null before the first. */
	get shownMs(): number | null {
		return this.#frames.ms;
	}

	/** Where it is on the clock: the moment that was chosen until its picture is shown, then that of the picture. */
	get placeMs(): number | null {
		return this.#chosenMs ?? this.#frames.ms;
	}

	/** Whether it shows what is recorded now. */
	get isLive(): boolean {
		return this.#session !== null && this.#session.fromMs === null;
	}

	get isPlaying(): boolean {
		return this.#isWanted;
	}

	/** Shows a moment; `isPlaying`: and goes on from there. */
	async show(ms: number, isPlaying: boolean): Promise<void> {
		this.#isWanted = isPlaying;
		this.#renewals = 0;
		this.#chosenMs = ms;
		const seconds = this.#isStopped ? null : this.#secondsOf(ms);
		if (seconds === null) await this.#open(ms);
		else {
			this.#opening?.abort();
			this.#opening = null;
			if (this.#hasSaid) this.#say(null);
			this.#frames.jump();
			this.video.currentTime = seconds;
			this.#applyWanted();
		}
	}

	/** Shows what is recorded now, and follows it. */
	async showLive(): Promise<void> {
		this.#isWanted = true;
		this.#renewals = 0;
		await this.#open(null);
	}

	play(): void {
		this.#isWanted = true;
		const needsSession = this.#isStopped && this.#joinMs === null && this.#opening === null;
		if (needsSession) this.#renew();
		else this.#applyWanted();
	}

	pause(): void {
		this.#isWanted = false;
		this.#applyWanted();
	}

	/** The next frame, or the one before; playback pauses. */
	step(direction: 1 | -1): void {
		this.pause();
		const at = this.#frames.seconds ?? this.video.currentTime;
		// The middle of a frame, so that rounding does not lead to its neighbour.
		this.video.currentTime = Math.max(0, at + (direction + 0.5) * this.#frames.frameSeconds);
	}

	/** The picture that is shown as PNG; null where there is none. */
	async picture(): Promise<Blob | null> {
		return this.#frames.seconds === null ? null : pictureOf(this.video);
	}

	close(): void {
		this.#isClosed = true;
		this.#opening?.abort();
		clearTimeout(this.#renewal);
		this.#hls?.destroy();
		this.figure.remove();
	}

	async #open(atMs: number | null, isNext = false): Promise<void> {
		this.#opening?.abort();
		const opening = new AbortController();
		this.#opening = opening;
		try {
			const session = await this.#api.openSession({ atMs, isNext }, opening.signal);
			opening.signal.throwIfAborted();
			this.#frames.jump({ isJoined: isNext });
			this.#opening = null;
			this.#load(session, atMs);
			this.#say(null);
		} catch (error) {
			if (opening.signal.aborted) return;
			this.#opening = null;
			this.#isWanted = false;
			const isEnd = isNext && error instanceof ApiError && error.code === 'KVS_NOT_FOUND';
			this.#say(isEnd ? 'This is the end of what is stored.' : errorText(error));
			this.#events.onTime();
		}
	}

	#load(session: PlayedSession, atMs: number | null): void {
		this.#hls?.destroy();
		this.#session = session;
		this.#isRecovered = false;
		this.#joinMs = null;
		this.#isStopped = false;
		const { fromMs } = session;
		const isOnDemand = fromMs !== null;
		const hls = new Hls({
			enableWorker: false,
			// What is stored begins where it was asked for; what is recorded now at the player's own distance from it.
			startPosition: isOnDemand ? 0 : -1,
			maxBufferLength: 30,
			backBufferLength: 30,
		});
		this.#hls = hls;
		hls.on(Hls.Events.ERROR, (_, data) => this.#onError(data));
		hls.once(Hls.Events.LEVEL_LOADED, () => {
			if (this.#hls !== hls) return;
			const seconds = isOnDemand && atMs !== null && atMs > fromMs ? this.#secondsOf(atMs) : null;
			if (seconds !== null) this.video.currentTime = seconds;
			this.#applyWanted();
		});
		hls.loadSource(session.path);
		hls.attachMedia(this.video);
		clearTimeout(this.#renewal);
		this.#renewal = setTimeout(
			() => this.#renew(),
			Math.max(RENEW_MS, session.expiresMs - Date.now() - RENEW_MS),
		);
	}

	/** Goes on in a session of its own where this one ends. */
	async #playNext(): Promise<void> {
		const { toMs } = this.#session ?? {};
		if (toMs == null || !this.#isWanted) return;
		await this.#open(toMs + 1, true);
	}

	#renew(): void {
		void this.#open(this.isLive ? null : this.placeMs);
	}

	#applyWanted(): void {
		if (this.#isWanted) this.video.play().catch(() => {});
		else this.video.pause();
		this.#events.onTime();
	}

	/** Goes on in another session where this one cannot, once what is loaded has been played. */
	#join(): void {
		if (this.#joinMs === null || !this.#isWanted) return;
		const { buffered, currentTime } = this.video;
		const endSeconds = buffered.length === 0 ? 0 : buffered.end(buffered.length - 1);
		if (endSeconds - currentTime > JOIN_SECONDS) return;
		const fromMs = this.#joinMs;
		this.#joinMs = null;
		void this.#open(fromMs, true);
	}

	#onError({ fatal, type, details, response, frag, error }: ErrorData): void {
		const status = response?.code ?? 0;
		if (fatal) this.#isStopped = true;
		if (status === 400 && frag?.programDateTime != null && this.#joins < MAX_JOINS) {
			this.#joins++;
			this.#joinMs = frag.programDateTime;
			this.#hls?.stopLoad();
			this.#isStopped = true;
			this.#join();
			return;
		}
		const isRefused = status === 403 || status === 404 || status === 410;
		// The player has tried again by itself before.
		const isCut = fatal && type === Hls.ErrorTypes.NETWORK_ERROR && status === 0;
		if ((isRefused || isCut) && this.#renewals < MAX_RENEWALS && !this.#isClosed) {
			this.#renewals++;
			const what = isCut ? 'No response came in time' : 'The playback session has ended or expired';
			this.#say(`${what}: another session is opened.`);
			this.#renew();
			return;
		}
		if (/codec/i.test(details)) {
			this.#say(mediaErrorText({ type, details, status, message: error.message }));
			this.#hls?.destroy();
			return;
		}
		if (!fatal) return;
		if (type === Hls.ErrorTypes.MEDIA_ERROR && !this.#isRecovered) {
			this.#isRecovered = true;
			this.#isStopped = false;
			this.#hls?.recoverMediaError();
			return;
		}
		this.#isWanted = false;
		this.#say(mediaErrorText({ type, details, status, message: error.message }));
		this.#events.onTime();
	}

	#say(message: string | null): void {
		this.#hasSaid = message !== null;
		this.#events.onMessage(message);
	}

	#secondsOf(ms: number): number | null {
		return this.isLive ? null : secondsOf(ms, this.#fragments());
	}

	#fragments(): readonly Fragment[] {
		const levels = this.#hls?.levels ?? [];
		return levels[Math.max(0, this.#hls?.currentLevel ?? 0)]?.details?.fragments ?? [];
	}

	#onFrame(seconds: number): void {
		const time = timeOf(seconds, this.#fragments());
		// Until another session has its playlist, the picture from before is still there.
		if (time === null || this.#opening !== null || this.#isClosed) return;
		this.#chosenMs = null;
		const gapMs = this.#frames.show(seconds, time);
		if (gapMs > 0 && this.#isWanted) this.#events.onGap(gapMs);
		this.#renewals = 0;
		this.#joins = 0;
		this.#join();
		this.#events.onTime();
	}
}
