/* What the tests beside the code share: settings from a text, and what is wrong with it. */
import { failureLine } from '../core/failures.ts';
import { nodeIdFromBytes } from '../core/node-id.ts';
import { loadSettings, type SettingsSources } from './load.ts';
import { formatOrigin } from './origin.ts';
import type { LoadedSettings } from './settings.ts';

export const york = nodeIdFromBytes(new Uint8Array(20).fill(1));
export const leeds = nodeIdFromBytes(new Uint8Array(20).fill(2));

type Given = Omit<SettingsSources, 'hostName' | 'file'>;
export const sources = (text: string, more: Given = {}): SettingsSources => ({
  hostName: 'box',
  file: { name: 'config.toml', text },
  ...more,
});
export function load(text: string, more?: Given): LoadedSettings {
  const loaded = loadSettings(sources(text, more));
  if (!loaded.ok) throw new Error(loaded.error.map(failureLine).join('\n'));
  return loaded.value;
}
export function mistakes(text: string, more?: Given): string[] {
  const loaded = loadSettings(sources(text, more));
  return loaded.ok ? [] : loaded.error.map(failureLine);
}
export const origin = ({ origins }: LoadedSettings, key: string) =>
  formatOrigin(origins.get(key) ?? { kind: 'default' });
