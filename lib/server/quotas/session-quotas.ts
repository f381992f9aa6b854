import { clientLimitExceeded } from '../wire/service-error.js';
import { CallWindow } from './call-window.js';
import type { QuotaValues } from './quota-values.js';

/** The quotas of one playback session, and how much of them is used. */
export class SessionQuotas {
	readonly #windows: ReadonlyMap<string, CallWindow>;
	#nowMs = Number.NEGATIVE_INFINITY;

	constructor({ playlistCallsPerSecond, playbackFragmentsPerSecond }: QuotaValues) {
		this.#windows = new Map([
			['GetHLSMasterPlaylist', new CallWindow(playlistCallsPerSecond)],
			['GetHLSMediaPlaylist', new CallWindow(playlistCallsPerSecond)],
			['GetDASHManifest', new CallWindow(playlistCallsPerSecond)],
			['GetMP4InitFragment', new CallWindow(playlistCallsPerSecond)],
			['GetMP4MediaFragment', new CallWindow(playbackFragmentsPerSecond)],
			['GetTSFragment', new CallWindow(playbackFragmentsPerSecond)],
		]);
	}

	/** Admits a call for a resource that came at `arrivedAtMs`, or throws `ClientLimitExceededException`. */
	admit(resource: string, arrivedAtMs: number): void {
		this.#nowMs = Math.max(this.#nowMs, arrivedAtMs);
		const window = this.#windows.get(resource);
		if (window?.isOpen(this.#nowMs) === false) throw clientLimitExceeded(`${resource} calls`);
		window?.add(this.#nowMs);
	}
}
