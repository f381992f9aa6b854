import type { StreamPlayer } from './stream-player.js';

/** Streams that are played side by side at most. */
export const MAX_PLAYERS = 4;

/** How often the players are compared, in milliseconds. */
const STEP_MS = 500;

/** What is farther apart is brought together by a seek; what is less, by playing a little faster or slower. */
const SEEK_APART_MS = 400;
const APART_MS = 40;

/** By how much. */
const HURRY = 0.06;

/** Players of several streams in step: all show the time that the first shows. */
export class PlayerGroup {
	#players: readonly StreamPlayer[] = [];
	#rate = 1;

	constructor() {
		setInterval(() => this.#keepInStep(), STEP_MS);
	}

	get players(): readonly StreamPlayer[] {
		return this.#players;
	}

	/** The one whose time counts; undefined where there is none. */
	get first(): StreamPlayer | undefined {
		return this.#players[0];
	}

	use(players: readonly StreamPlayer[]): void {
		this.#players = players.slice(0, MAX_PLAYERS);
		for (const { video } of this.#players) video.playbackRate = this.#rate;
	}

	setRate(rate: number): void {
		this.#rate = rate;
		for (const { video } of this.#players) {
			video.defaultPlaybackRate = rate;
			video.playbackRate = rate;
		}
	}

	/** Audio of the first alone: several at once cannot be understood. */
	setAudible(isOn: boolean): void {
		this.#players.forEach(({ video }, index) => {
			video.muted = !isOn || index > 0;
		});
	}

	async show(ms: number, isPlaying: boolean): Promise<void> {
		await Promise.all(this.#players.map((player) => player.show(ms, isPlaying)));
	}

	async showLive(): Promise<void> {
		await Promise.all(this.#players.map((player) => player.showLive()));
	}

	play(): void {
		for (const player of this.#players) player.play();
	}

	pause(): void {
		for (const player of this.#players) player.pause();
	}

	/** One frame of the first; the others follow. */
	step(direction: 1 | -1): void {
		for (const player of this.#players) player.step(direction);
	}

	#keepInStep(): void {
		const [first, ...others] = this.#players;
		const leadMs = first?.shownMs;
		if (first === undefined || leadMs == null || !first.isPlaying || first.video.seeking) return;
		for (const other of others) {
			if (other.shownMs === null || other.video.seeking || !other.isPlaying) continue;
			const apartMs = leadMs - other.shownMs;
			if (Math.abs(apartMs) > SEEK_APART_MS && !other.isLive) void other.show(leadMs, true);
			else if (Math.abs(apartMs) > APART_MS)
				other.video.playbackRate = this.#rate * (1 + Math.sign(apartMs) * HURRY);
			else other.video.playbackRate = this.#rate;
		}
	}
}
