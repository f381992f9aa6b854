import type { ArchiveClock } from './address.js';
import { parseTime, type Zone } from './clock-text.js';
import { element } from './element.js';
import { type KeyActions, listenToKeys } from './keyboard.js';

/** What the buttons, fields and keys of the page do. */
export interface PageActions extends KeyActions {
	readonly live: () => void;
	readonly savePicture: () => void;
	readonly showAll: () => void;
	readonly setRate: (rate: number) => void;
	readonly setClock: (clock: ArchiveClock) => void;
	readonly setZone: (zone: Zone) => void;
	/** Goes to a time that was typed; null where it is not one. */
	readonly goTo: (ms: number | null) => void;
}

/** Listens to the buttons, fields and keys. `zone`: of times that are typed. */
export function listenToControls(actions: PageActions, zone: () => Zone): void {
	const clicks: Readonly<Record<string, () => void>> = {
		play: actions.playOrPause,
		back: () => actions.skip(-10_000),
		forward: () => actions.skip(10_000),
		'previous-frame': () => actions.step(-1),
		'next-frame': () => actions.step(1),
		audio: actions.switchAudio,
		live: actions.live,
		'save-picture': actions.savePicture,
		'zoom-in': () => actions.zoom(1 / 2),
		'zoom-out': () => actions.zoom(2),
		'show-all': actions.showAll,
		'mark-start': actions.markStart,
		'mark-end': actions.markEnd,
	};
	for (const [id, action] of Object.entries(clicks)) {
		element(id, HTMLButtonElement).addEventListener('click', action);
	}
	const choices: Readonly<Record<string, (value: string) => void>> = {
		rate: (value) => actions.setRate(Number(value)),
		clock: (value) => actions.setClock(value as ArchiveClock),
		zone: (value) => actions.setZone(value as Zone),
	};
	for (const [id, choose] of Object.entries(choices)) {
		const select = element(id, HTMLSelectElement);
		select.addEventListener('change', () => choose(select.value));
	}
	element('go-to', HTMLFormElement).addEventListener('submit', (event) => {
		event.preventDefault();
		actions.goTo(parseTime(element('go-to-time', HTMLInputElement).value, Date.now(), zone()));
	});
	listenToKeys(actions);
}
