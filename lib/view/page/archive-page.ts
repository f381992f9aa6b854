import type { StartedView } from '../view-responses.js';
import { type ArchiveClock, type Place, readAddress, writeAddress } from './address.js';
import type { ArchiveApi } from './api/archive-api.js';
import { StreamApi } from './api/stream-api.js';
import { BoundsSearch } from './bounds-search.js';
import { lengthText, timeText, type Zone } from './clock-text.js';
import { element } from './element.js';
import { MessageLine } from './message-line.js';
import { listenToControls, type PageActions } from './page-controls.js';
import { DetailsPanel } from './panels/details-panel.js';
import { ExportPanel } from './panels/export-panel.js';
import { ShownStreams } from './panels/shown-streams.js';
import { StreamList } from './panels/stream-list.js';
import { MAX_PLAYERS, PlayerGroup } from './player/player-group.js';
import { StreamPlayer } from './player/stream-player.js';
import { errorText } from './suggestion.js';
import { TimelineView } from './timeline/timeline-view.js';

/** What is shown at first, at most and at least, in milliseconds. */
const MAX_FIRST_MS = 24 * 3_600_000;
const MIN_FIRST_MS = 10_000;

/** What is shown where nothing is known, in milliseconds. */
const USUAL_MS = 3_600_000;

/** How long a message about a gap stays, in milliseconds. */
const GAP_MESSAGE_MS = 6000;

/** The page: the streams that are shown, the moment one looks at, and what is played. */
export class ArchivePage {
	readonly #start: StartedView;
	readonly #timeline: TimelineView;
	readonly #message = new MessageLine();
	readonly #shown = new ShownStreams((streams) => void this.#use(streams));
	readonly #group = new PlayerGroup();
	readonly #search = new BoundsSearch();
	readonly #list: StreamList;
	readonly #details: DetailsPanel;
	readonly #export: ExportPanel;
	#streams: string[] = [];
	#clock: ArchiveClock = 'producer';
	#zone: Zone = 'utc';
	#isAudible = false;

	constructor(api: ArchiveApi, start: StartedView) {
		this.#start = start;
		this.#list = new StreamList(api, (stream) => void this.#use([stream]));
		this.#details = new DetailsPanel((stream, number) => {
			this.#timeline.rows.find((row) => row.stream === stream)?.failed.add(number);
			this.#timeline.draw();
		});
		this.#export = new ExportPanel(api, start.commandFlags);
		this.#timeline = new TimelineView({
			onChoose: (ms) => this.#choose(ms),
			onMark: (fromMs, toMs) => this.#mark(fromMs, toMs),
			onStay: () => {
				this.#writeAddress();
				this.#showDetails();
			},
			onError: (stream, error) => this.#message.say(errorText(error), { about: stream }),
			onSuccess: (stream) => this.#message.withdraw(stream),
		});
		listenToControls(this.#actions(), () => this.#zone);
	}

	/** Shows what the address says, or else what the command line said, or else the list of streams. */
	async open(): Promise<void> {
		void this.#list.load().then(() => this.#sayRetention());
		addEventListener('hashchange', () => void this.#follow(readAddress(location.hash)));
		const address = readAddress(location.hash);
		const { range, streams } = this.#start;
		if (address.atMs === null && range !== null) {
			this.#timeline.show(range.fromMs, Math.max(1000, range.toMs - range.fromMs));
			this.#timeline.moveTo(range.fromMs, { reveals: false });
		}
		await this.#follow(address.streams.length > 0 ? address : { ...address, streams });
	}

	/** Shows the place that an address names. */
	async #follow({ atMs, spanMs, clock, zone, streams }: Place): Promise<void> {
		const isOther = clock !== this.#clock || streams.join() !== this.#streams.join();
		this.#clock = clock;
		this.#zone = zone;
		this.#timeline.setZone(zone);
		element('clock', HTMLSelectElement).value = clock;
		element('zone', HTMLSelectElement).value = zone;
		if (atMs !== null) {
			const lengthMs = spanMs ?? USUAL_MS;
			this.#timeline.show(atMs - lengthMs / 2, lengthMs);
			this.#timeline.moveTo(atMs);
		}
		if (streams.length === 0) this.#list.isShown = true;
		else if (isOther) await this.#use(streams);
	}

	/** Shows these streams. */
	async #use(streams: readonly string[]): Promise<void> {
		this.#list.isShown = false;
		element('archive', HTMLElement).hidden = false;
		this.#streams = [...new Set(streams)];
		element('title', HTMLElement).textContent = this.#streams.join(', ');
		document.title = `${this.#streams.join(', ')} – archive`;
		this.#search.stop();
		this.#timeline.use(this.#streams, this.#clock);
		for (const player of this.#group.players) player.close();
		this.#group.use(this.#streams.slice(0, MAX_PLAYERS).map((stream) => this.#player(stream)));
		element('players', HTMLElement).replaceChildren(...this.#group.players.map(({ figure }) => figure));
		this.#shown.show(this.#streams);
		this.#sayRetention();
		if (this.#timeline.atMs === null) await this.#showStored();
	}

	#player(stream: string): StreamPlayer {
		const player: StreamPlayer = new StreamPlayer(new StreamApi(stream, this.#clock), {
			onTime: () => {
				if (player === this.#group.first) this.#onPlayerTime(player);
			},
			onMessage: (message) => {
				this.#message.say(message ?? '');
				// Of a stream that keeps nothing, that is why.
				if (message !== null) this.#sayRetention();
			},
			onGap: (lengthMs) => {
				if (player !== this.#group.first) return;
				this.#message.say(
					`Nothing was recorded for ${lengthText(lengthMs)}; playback continues after the gap.`,
					{
						forMs: GAP_MESSAGE_MS,
					},
				);
			},
		});
		return player;
	}

	/** What was stored last, and when that is little, all of it: as soon as something is known, and better until one looks elsewhere. */
	async #showStored(): Promise<void> {
		const streams = this.#streams;
		let shown = this.#timeline.sight;
		const found = await this.#search.find(streams, this.#clock, ({ firstMs, lastMs }) => {
			if (shown !== this.#timeline.sight) return;
			const lengthMs = Math.min(MAX_FIRST_MS, Math.max(MIN_FIRST_MS, (lastMs - firstMs) * 1.1 + 4000));
			const fromMs = lastMs + lengthMs * 0.05 - lengthMs;
			this.#timeline.show(fromMs, lengthMs);
			this.#timeline.moveTo(Math.max(firstMs, fromMs), { reveals: false });
			shown = this.#timeline.sight;
		});
		if (found === null) return;
		for (const error of found.errors) this.#message.say(errorText(error));
		if (found.bounds === null && shown === this.#timeline.sight)
			this.#timeline.show(Date.now() - USUAL_MS, USUAL_MS);
		if (found.empty.length === 0 || !this.#message.isEmpty) return;
		const which = streams.length === 1 ? 'this stream' : found.empty.join(', ');
		this.#message.say(
			`Nothing is stored in ${which}. Put something into it, with \`kvs-archive feed\` or a camera, and it appears here.`,
		);
	}

	#sayRetention(): void {
		for (const stream of this.#streams) {
			if (this.#list.retentionHours(stream) !== 0) continue;
			this.#message.say(
				`The stream ${stream} keeps nothing (its retention is 0 hours). Set one: aws kinesisvideo update-data-retention --operation INCREASE_DATA_RETENTION`,
			);
		}
	}

	#showDetails(): void {
		const [row] = this.#timeline.rows;
		const { atMs } = this.#timeline;
		if (row === undefined || atMs === null) return;
		this.#details.show(row.stream, row.fragmentAt(atMs), { clock: this.#clock, zone: this.#zone });
	}

	#writeAddress(): void {
		const place = {
			atMs: this.#timeline.atMs,
			spanMs: this.#timeline.axis.spanMs,
			clock: this.#clock,
			zone: this.#zone,
			streams: this.#streams,
		};
		history.replaceState(null, '', `${location.pathname}${location.search}${writeAddress(place)}`);
	}

	/** Plays from a moment on. */
	#choose(ms: number, isPlaying = true): void {
		this.#setLive(false);
		this.#timeline.moveTo(ms);
		void this.#group.show(ms, isPlaying);
	}

	#onPlayerTime(player: StreamPlayer): void {
		const { shownMs, placeMs, isPlaying } = player;
		element('play', HTMLButtonElement).textContent = isPlaying ? 'Pause' : 'Play';
		if (placeMs !== null) this.#timeline.moveTo(placeMs, { reveals: isPlaying });
		if (shownMs === null) return;
		const late = player.isLive ? `, ${lengthText(Math.max(0, Date.now() - shownMs))} after it was taken` : '';
		element('shown-time', HTMLOutputElement).textContent = `${timeText(shownMs, this.#zone)}${late}`;
	}

	#setLive(isLive: boolean): void {
		element('live', HTMLButtonElement).setAttribute('aria-pressed', String(isLive));
	}

	#playOrPause(): void {
		const { first } = this.#group;
		if (first === undefined) return;
		if (first.isPlaying) this.#group.pause();
		else if (first.shownMs === null && this.#timeline.atMs !== null) this.#choose(this.#timeline.atMs);
		else this.#group.play();
	}

	#mark(fromMs: number, toMs: number): void {
		const [stream] = this.#streams;
		if (stream === undefined) return;
		this.#timeline.mark(fromMs, toMs);
		this.#export.mark({ stream, fromMs, toMs, clock: this.#clock, zone: this.#zone });
	}

	async #toBound(side: 'firstMs' | 'lastMs'): Promise<void> {
		const found = await this.#search.find(this.#streams, this.#clock);
		const [error] = found?.errors ?? [];
		if (error !== undefined) this.#message.say(errorText(error));
		if (found?.bounds != null) this.#choose(found.bounds[side], false);
	}

	async #savePicture(): Promise<void> {
		const { first } = this.#group;
		const picture = await first?.picture();
		if (first === undefined || picture == null) {
			this.#message.say('There is no picture to save yet: play or choose a moment first.');
			return;
		}
		const link = document.createElement('a');
		link.href = URL.createObjectURL(picture);
		link.download = `${this.#streams[0]}-${new Date(first.shownMs ?? 0).toISOString().replaceAll(':', '-')}.png`;
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
	}

	#switchAudio(): void {
		this.#isAudible = !this.#isAudible;
		this.#group.setAudible(this.#isAudible);
		element('audio', HTMLButtonElement).setAttribute('aria-pressed', String(this.#isAudible));
	}

	#actions(): PageActions {
		const isPlaying = (): boolean => this.#group.first?.isPlaying ?? false;
		const timeline = this.#timeline;
		const atMs = (): number => timeline.atMs ?? timeline.axis.fromMs;
		return {
			zoom: (factor) => timeline.zoom(factor),
			move: (parts) => timeline.moveTo(atMs() + parts * timeline.axis.spanMs),
			pan: (parts) => timeline.pan(parts),
			toFirst: () => void this.#toBound('firstMs'),
			toLast: () => void this.#toBound('lastMs'),
			playOrPause: () => this.#playOrPause(),
			skip: (ms) => this.#choose(atMs() + ms, isPlaying()),
			step: (direction) => this.#group.step(direction),
			markStart: () => this.#mark(atMs(), Math.max(atMs(), timeline.marked?.toMs ?? 0)),
			markEnd: () =>
				this.#mark(Math.min(atMs(), timeline.marked?.fromMs ?? Number.POSITIVE_INFINITY), atMs()),
			switchAudio: () => this.#switchAudio(),
			choose: () => this.#choose(atMs()),
			live: () => {
				this.#setLive(true);
				void this.#group.showLive();
			},
			savePicture: () => void this.#savePicture(),
			showAll: () => void this.#showStored(),
			setRate: (rate) => this.#group.setRate(rate),
			setClock: (clock) => {
				this.#clock = clock;
				void this.#use(this.#streams);
			},
			setZone: (zone) => {
				this.#zone = zone;
				timeline.setZone(zone);
			},
			goTo: (ms) => {
				if (ms !== null) this.#choose(ms, isPlaying());
				else this.#message.say('That is not a time: write 2026-01-31T14:03:07Z, epoch seconds, now or -15m.');
			},
		};
	}
}
