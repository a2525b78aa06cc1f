import type { AppLayoutProps } from '@cloudscape-design/components/app-layout';
import type { SplitPanelProps } from '@cloudscape-design/components/split-panel';

/** What a screen reader says for the parts of the frame. */
export const layoutLabels: AppLayoutProps.Labels = {
  navigation: 'Navigation',
  navigationToggle: 'Open navigation',
  navigationClose: 'Close navigation',
  notifications: 'Notices',
  tools: 'Help',
  toolsToggle: 'Open help',
  toolsClose: 'Close help',
};

export const panelLabels: SplitPanelProps.I18nStrings = {
  closeButtonAriaLabel: 'Close details',
  openButtonAriaLabel: 'Open details',
  resizeHandleAriaLabel: 'Resize details',
  preferencesTitle: 'Details',
  preferencesPositionLabel: 'Position',
  preferencesPositionDescription: 'Where details are shown',
  preferencesPositionSide: 'Side',
  preferencesPositionBottom: 'Bottom',
  preferencesConfirm: 'Confirm',
  preferencesCancel: 'Cancel',
};
